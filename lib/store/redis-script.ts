// What runs inside Redis: one script appends, one reads. A script is atomic, so the rules of append are decided there.
import { createHash } from 'node:crypto'

export interface Script {
  readonly source: string
  readonly sha: string
}

const script = (source: string): Script => ({ source, sha: createHash('sha1').update(source).digest('hex') })

/** Kinds of records as their first field is named: its value is the type. */
export const FIELD_OF_KIND = { open: 'o', event: 'e', end: 'x' } as const

/** A longer notification is sent empty: its readers read the log instead. Bytes. */
const MAX_HINT = 65_536

/** For how long the epoch of a deleted log is not given out again, ms. */
const FLOOR_TTL = 60_000

/** How long a publisher's last token is remembered at least, ms. */
const TOKEN_TTL = 120_000

/**
 * KEYS: stream, lease, tokens, ids of idempotency keys, their expiry times, epoch of a deleted log.
 * ARGV: first, after ('' null, or 'any'), ttl, lease, maxEvents, channel, 1 if a hint may be sent, publisher, its
 * sequence, idempotency key with a leading '=' ('' where not given); then field, type, data and meta of each record.
 * Returns { status, id }, and '1' third where INFO is denied.
 *
 * A restarted Redis has another run_id: that is the generation, kept with each entry. It may have lost what followed the
 * tail, so the epoch that is opened then continues nothing, and every reader is told. `last[2]` is { field, type, 'd',
 * data, 'm', meta, 'g', generation }. Where memory is full, the first XADD fails and nothing is written.
 */
export const APPEND = script(`
local FIRST, TTL, SEQUENCE = 11, ARGV[3], tonumber(ARGV[9])
local stream, lease, tokens, ids, expiries = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local k = (#ARGV - FIRST + 1) / 4

local function format (e, n) return string.format('%.0f-%.0f', e, n) end
local function parse (id)
  local e, n = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(e), tonumber(n)
end
local function now ()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local info = redis.pcall('INFO', 'server')
local denied = type(info) == 'table' and '1' or ''
local generation = denied == '' and string.sub(string.match(info, 'run_id:(%w+)') or '', 1, 16) or ''

local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local tail = last and last[1] or ''
local e, n
if last then e, n = parse(tail) end
local ended = last and last[2][1] == 'x'
local E, N
local opened = false

if ARGV[1] ~= '' then
  E, N = parse(ARGV[1])
  if last and E < e then return { 'FENCED', tail } end
  if last and E == e then
    if k > 0 and N == 0 then
      local open = redis.call('XRANGE', stream, ARGV[1], ARGV[1])[1]
      if open and open[2][4] == ARGV[FIRST + 2] then return { 'OK', format(E, k - 1) } end
      return { 'CONFLICT', tail }
    end
    if k > 0 and N + k - 1 <= n then return { 'OK', format(E, N + k - 1) } end
    if ended then return { 'ENDED', tail } end
    if N ~= n + 1 then return { 'CONFLICT', tail } end
  elseif last and N == 0 and ARGV[2] == 'any' and k > 0 then
    if ended then return { 'ENDED', tail } end
    ARGV[FIRST + 1] = tail
  elseif N ~= 0 or ARGV[2] ~= tail or k == 0 then
    return { last and 'CONFLICT' or 'LOST', tail }
  end
else
  if last and ARGV[8] ~= '' then
    local known = redis.call('HGET', tokens, ARGV[8])
    if known then
      local sequence, id = string.match(known, '^(%d+) (%S+)')
      if tonumber(sequence) >= SEQUENCE then return { 'OK', id } end
    end
  end
  if last and ARGV[10] ~= '' then
    local expiry = redis.call('ZSCORE', expiries, ARGV[10])
    if expiry and tonumber(expiry) > now() then return { 'OK', redis.call('HGET', ids, ARGV[10]) } end
  end
  if ended then return { 'ENDED', tail } end
  local before = last and last[2][8]
  if not last then
    opened = true
    redis.call('DEL', tokens, ids, expiries)
    E, N = math.max(now(), tonumber(redis.call('GET', KEYS[6]) or 0) + 1), 1
  elseif before ~= generation and before ~= '' and generation ~= '' then
    opened = true
    E, N = math.max(now(), e + 1), 1
  else
    E, N = e, n + 1
  end
  if opened then redis.call('XADD', stream, format(E, 0), 'o', '', 'd', '', 'm', '', 'g', generation) end
end

for i = 0, k - 1 do
  local at = FIRST + 4 * i
  redis.call('XADD', stream, format(E, N + i), ARGV[at], ARGV[at + 1], 'd', ARGV[at + 2], 'm', ARGV[at + 3], 'g', generation)
end
local id = format(E, N + k - 1)
redis.call('PEXPIRE', stream, TTL)
if k > 0 and ARGV[FIRST + 4 * (k - 1)] == 'x' then
  redis.call('DEL', lease)
elseif ARGV[4] ~= '' then
  redis.call('SET', lease, '', 'PX', ARGV[4])
end

if ARGV[8] ~= '' then
  local time = now()
  if redis.call('HSET', tokens, ARGV[8], ARGV[9] .. ' ' .. id .. ' ' .. time) == 1 then
    local all = redis.call('HGETALL', tokens)
    for i = 1, #all, 2 do
      if tonumber(string.match(all[i + 1], '%d+$')) < time - ${TOKEN_TTL} then redis.call('HDEL', tokens, all[i]) end
    end
  end
  redis.call('PEXPIRE', tokens, math.max(tonumber(TTL), ${TOKEN_TTL}))
end
if ARGV[10] ~= '' then
  local time = now()
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', time, 'LIMIT', 0, 8)) do
    redis.call('ZREM', expiries, old)
    redis.call('HDEL', ids, old)
  end
  redis.call('ZADD', expiries, time + tonumber(TTL), ARGV[10])
  redis.call('HSET', ids, ARGV[10], id)
  local longest = math.max(tonumber(TTL), redis.call('PTTL', ids))
  redis.call('PEXPIRE', ids, longest)
  redis.call('PEXPIRE', expiries, longest)
end

local max = tonumber(ARGV[5])
if max and k > 0 then
  local newest = N + k - 1
  if newest > max then
    redis.call('XTRIM', stream, 'MINID', '~', format(E, newest - max))
  elseif redis.call('XLEN', stream) > 2 * max + 100 then
    local from, left = '+', max
    while left > 0 do
      local page = redis.call('XREVRANGE', stream, from, '-', 'COUNT', 100)
      if #page == 0 then break end
      for _, entry in ipairs(page) do
        from = entry[1]
        if entry[2][1] == 'e' then left = left - 1 end
        if left == 0 then break end
      end
      from = left > 0 and '(' .. from or from
    end
    if left == 0 then redis.call('XTRIM', stream, 'MINID', '~', from) end
  end
end

if k > 0 or opened then
  local hint = ''
  if ARGV[7] ~= '' then
    hint = format(E, N) .. '\\0' .. (opened and '1' or '')
    if k > 0 then hint = hint .. '\\0' .. table.concat(ARGV, '\\0', FIRST) end
    if #hint > ${MAX_HINT} then hint = '' end
  end
  redis.call('PUBLISH', ARGV[6], hint)
end
return { 'OK', id, denied }
`)

/**
 * KEYS: stream, lease. ARGV: the cursor ('-' from the oldest), limit, last and maxText ('' where not given). Entries are read
 * a few at a time, then more, so that no more than twice a page of large ones is in hand.
 * Returns { tail, entries, lease in ms }, or {} for a log that does not exist.
 */
export const READ = script(`
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not tail then return {} end
local from = ARGV[1]
if ARGV[3] ~= '' then
  local e, n = string.match(tail[1], '^(%d+)-(%d+)$')
  local events = tonumber(n) - (tail[2][1] == 'x' and 1 or 0)
  local left = tonumber(ARGV[3])
  from = string.format('%s-%.0f', e, math.max(1, events - left + 1))
  -- Some of them are in earlier epochs.
  local older = events < left and '+'
  while older and left > 0 do
    local page = redis.call('XREVRANGE', KEYS[1], older, '-', 'COUNT', 100)
    older = page[1] and '(' .. page[#page][1]
    for _, entry in ipairs(page) do
      if left > 0 and entry[2][1] == 'e' then from, left = entry[1], left - 1 end
    end
  end
end
local entries, text, count = {}, tonumber(ARGV[4]) or math.huge, 16
local limit = tonumber(ARGV[2])
while #entries < limit and text > 0 do
  local some = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', math.min(count, limit - #entries))
  if #some == 0 then break end
  for _, entry in ipairs(some) do
    if text <= 0 then break end
    entries[#entries + 1] = entry
    text = text - #entry[2][4]
  end
  from = '(' .. some[#some][1]
  count = count * 2
end
return { tail, entries, redis.call('PTTL', KEYS[2]) }
`)

/** KEYS: those of APPEND. ARGV: the channel. */
export const DELETE = script(`
local tail = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if tail then redis.call('SET', KEYS[6], string.match(tail[1], '^%d+'), 'PX', ${FLOOR_TTL}) end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
redis.call('PUBLISH', ARGV[1], '')
`)
