// The fuzz test of the encoder with more schemas and payloads. FUZZ_SEED gives it others.
process.env.FUZZ_SCHEMAS ??= '2000'
process.env.FUZZ_PAYLOADS ??= '100'
await import('../encode/fuzz.test.ts')
