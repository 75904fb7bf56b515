/** Requests to subresources: which function answers which. */
import { badRequest, methodNotAllowed, unknownPath } from '../../api/index.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import { formOf, patch, readOne, update } from '../http/object-requests.ts';
import type { ResourcePath } from '../http/request-info.ts';
import type { Services } from '../http/services.ts';
import type { Served } from '../registry/catalog.ts';
import { notImplemented } from './not-implemented.ts';
import { servePodLog } from './pod-log.ts';
import { serveBinding, serveEviction } from './pod-writes.ts';
import { serveProxy } from './proxy.ts';
import { serveScale } from './scale.ts';
import { serveTokenRequest } from './token-request.ts';

/** Answers a request to a subresource; undefined when the answer is a stream that has begun. Throws StatusError. */
export async function serveSubresource(
  services: Services,
  exchange: Exchange,
  served: Served,
  path: ResourcePath,
): Promise<Answer | undefined> {
  const { resource } = served;
  const { plural, subresource: name } = path;
  const subresource = resource.subresources?.[name];
  if (subresource === undefined || (path.namespace === '') === resource.namespaced) throw unknownPath();
  const verb = verbs[exchange.method] ?? exchange.method.toLowerCase();
  if (!subresource.verbs.includes(verb)) throw methodNotAllowed({ group: resource.group, plural: `${plural}/${name}` }, verb);
  switch (name) {
    case 'status':
      return servePart(services, exchange, served, path, 'status');
    case 'finalize':
      return servePart(services, exchange, served, path, 'finalize');
    case 'scale':
      return serveScale(services, exchange, served, path);
    case 'binding':
      return serveBinding(services, exchange, served, path);
    case 'eviction':
      return serveEviction(services, exchange, served, path);
    case 'token':
      return serveTokenRequest(services, exchange, served, path);
    case 'log':
      return servePodLog(services, exchange, served, path);
    case 'proxy':
      return serveProxy(services, exchange, served, path);
    case 'exec':
    case 'attach':
    case 'portforward':
      throw badRequest('Upgrade request required');
    default:
      throw notImplemented(
        `${plural}/${name} is not implemented by Fairlead's API server${name === 'ephemeralcontainers' ? '; kubectl debug --copy-to makes a copy of the pod to look at' : ''}`,
      );
  }
}

async function servePart(
  services: Services,
  exchange: Exchange,
  served: Served,
  path: ResourcePath,
  part: 'status' | 'finalize',
): Promise<Answer> {
  const form = formOf(exchange);
  switch (exchange.method) {
    case 'PUT':
      return update(services, exchange, served, path, part, form);
    case 'PATCH':
      return patch(services, exchange, served, path, part, form);
    default:
      return readOne(services, exchange, served, path, form);
  }
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
