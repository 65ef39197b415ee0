// Route facts that the OpenAPI document needs.
import { type FastifyInstance } from 'fastify'
import { type ComponentNames } from '../openapi/components.ts'
import { type RouteDocument } from '../openapi/route.ts'
import { type AppLogs } from './app-logs.ts'
import { type StreamRoute } from './route.ts'
import { sharedSchemas } from './scope.ts'

/**
 * @param scope the route's scope
 * @param names of the app
 */
export function routeDocumentOf (scope: FastifyInstance, route: StreamRoute, names: ComponentNames, logs: AppLogs): RouteDocument {
  const { errorEvent } = route.options
  return {
    // Items that a function returns are declared, so they are documented already.
    errorEvent: typeof errorEvent === 'string' ? errorEvent : false,
    isRefusable: route.isRefusable,
    logsOf: declaration => logs.logsOf(scope, declaration),
    names,
    shared: sharedSchemas(scope)
  }
}
