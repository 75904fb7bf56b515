/** The paths of the API: health and version for everybody, everything else for users. */
import { methodNotAllowed, notAcceptable, unknownPath } from '../../api/index.ts';
import { aggregatedContentType, aggregatedDiscovery } from '../discovery/aggregated.ts';
import { coreVersions, groupDocument, groupList, resourceList } from '../discovery/legacy.ts';
import { openApiDocument, openApiIndex, openApiV2Document } from '../discovery/openapi.ts';
import { serverVersion } from '../discovery/version.ts';
import type { Answer, Exchange } from './exchange.ts';
import { jsonAnswer, textAnswer } from './exchange.ts';
import { negotiateDiscovery } from './media-type.ts';
import type { RequestMetrics } from './metrics.ts';
import { parseResourcePath } from './request-info.ts';
import { serveResource } from './serve-resource.ts';
import type { Services } from './services.ts';

/** The answer that needs no credentials, if the path is one of those. */
export function routePublic(path: string, query: URLSearchParams): Answer | undefined {
  const [, check, part] = /^\/(healthz|livez|readyz)((?:\/[\w.-]+)*)$/.exec(path) ?? [];
  if (check !== undefined) {
    return textAnswer(200, part === '' && query.has('verbose') ? `[+]ping ok\n${check} check passed\n` : 'ok');
  }
  return path === '/version' || path === '/version/' ? jsonAnswer(200, serverVersion) : undefined;
}

/** The answer to a user; undefined when it is a stream that has begun. Throws StatusError. */
export async function route(services: Services, metrics: RequestMetrics, exchange: Exchange): Promise<Answer | undefined> {
  const { path, method } = exchange;
  if (method === 'GET' && path === customResourcesPath) return jsonAnswer(200, noCustomResources);
  const resource = parseResourcePath(path);
  if (resource !== undefined) return serveResource(services, exchange, resource);
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed({ group: '', plural: path }, method.toLowerCase());
  const answer = discover(services, metrics, exchange, path.replace(/(?<=.)\/$/, ''));
  if (answer === undefined) throw unknownPath();
  return answer;
}

/**
 * kubectl looks here, undiscovered, when it does not know a kind, before it says so: with a 404 a mistyped kind would be called
 * a fault of the server.
 */
const customResourcesPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const noCustomResources = {
  kind: 'CustomResourceDefinitionList',
  apiVersion: 'apiextensions.k8s.io/v1',
  metadata: { resourceVersion: '1' },
  items: [],
};

function discover(services: Services, metrics: RequestMetrics, exchange: Exchange, path: string): Answer | undefined {
  switch (path) {
    case '/':
      return jsonAnswer(200, {
        paths: [
          '/api',
          '/api/v1',
          '/apis',
          '/healthz',
          '/livez',
          '/metrics',
          '/openapi/v2',
          '/openapi/v3',
          '/readyz',
          '/version',
        ],
      });
    case '/api':
      return discovery(exchange, 'core', () => coreVersions(services.address()));
    case '/apis':
      return discovery(exchange, 'groups', groupList);
    case '/metrics':
      return {
        httpStatus: 200,
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        body: metrics.text(services.context.store),
      };
    case '/openapi/v2':
      return openApiV2Document(exchange);
    case '/openapi/v3':
      return openApiIndex();
    default:
  }
  if (path.startsWith('/openapi/v3/')) return openApiDocument(path.slice('/openapi/v3/'.length), exchange);
  const [, root, group, version] = path.split('/');
  const segments = path.split('/').length - 1;
  if (root === 'api' && segments === 2) return found(resourceList('', group ?? ''));
  if (root === 'apis' && segments === 2) return found(groupDocument(group ?? ''));
  if (root === 'apis' && segments === 3) return found(resourceList(group ?? '', version ?? ''));
  return undefined;
}

function found(document: unknown): Answer | undefined {
  return document === undefined ? undefined : jsonAnswer(200, document);
}

function discovery({ request }: Exchange, part: 'core' | 'groups', legacy: () => unknown): Answer {
  const form = negotiateDiscovery(request.headers.accept);
  if (form === undefined) throw notAcceptable(['application/json']);
  if (form === 'legacy') return jsonAnswer(200, legacy());
  const answer = jsonAnswer(200, aggregatedDiscovery(part, form));
  return { ...answer, contentType: aggregatedContentType(form) };
}
