/**
 * `proxy`: plain HTTP through the API server to a pod or to a ready endpoint of a Service.
 * Names may be written `scheme:name:port`; the port is a number or, for Services, a port's name.
 */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { EndpointSlice, Pod, Service } from '../../api/index.ts';
import {
  badRequest,
  endpointSlices,
  notFound,
  pods,
  serviceUnavailable,
  services as serviceResource,
  statusError,
} from '../../api/index.ts';
import { formatHostPort, isLinkLocalMulticast, isLinkLocalUnicast, isLoopback, isUnspecified, parseIp } from '../../net/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import type { ResourcePath } from '../http/request-info.ts';
import type { Services } from '../http/services.ts';
import type { Served } from '../registry/catalog.ts';
import { servedOf } from '../registry/catalog.ts';
import { readObject } from '../registry/read.ts';
import { storePrefix } from '../store/index.ts';
import { notImplemented } from './not-implemented.ts';
import { nodeAccessOf } from './pod-target.ts';

interface Upstream {
  readonly address: string;
  readonly port: number;
}

/** Forwards a request and streams the answer back. Throws 400, 404, 501 and 503; 502 becomes a Status too. */
export async function serveProxy(
  services: Services,
  exchange: Exchange,
  served: Served,
  path: ResourcePath,
): Promise<Answer | undefined> {
  const { method } = exchange;
  if (path.rest === undefined && (method === 'GET' || method === 'HEAD')) {
    return {
      httpStatus: 301,
      contentType: 'text/plain',
      body: '',
      headers: { location: `${exchange.path}/${queryText(exchange)}` },
    };
  }
  const name = splitName(path.name);
  if (name.scheme === 'https') throw notImplemented('proxying to https is not implemented by this API server');
  const upstream = upstreamOf(services, served, path.namespace, name);
  assertRoutable(upstream.address);
  const nodeAccess = nodeAccessOf(services);
  const socket = await nodeAccess.dial(upstream.address, upstream.port, { signal: exchange.signal }).catch((error: unknown) => {
    throw serviceUnavailable(`error trying to reach service: ${messageOf(error)}`);
  });
  const { response } = exchange;
  // Also before there is an answer: one that never comes would keep the connection for ever.
  response.on('close', () => socket.destroy());
  if (response.destroyed) socket.destroy();
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest(
      {
        method,
        path: `/${path.rest ?? ''}${queryText(exchange)}`,
        headers: forwardedHeaders(exchange, upstream),
        createConnection: () => socket,
      },
      resolve,
    );
    outgoing.on('error', (error) => reject(statusError(502, 'Unknown', `error trying to reach service: ${messageOf(error)}`)));
    exchange.request.pipe(outgoing);
  });
  const { connection: _connection, 'keep-alive': _keepAlive, 'transfer-encoding': _encoding, ...headers } = answer.headers;
  response.writeHead(answer.statusCode ?? 502, headers);
  answer.pipe(response);
  answer.on('error', () => response.destroy());
  return undefined;
}

interface ProxyName {
  readonly scheme: string;
  readonly name: string;
  readonly port: string;
}

function splitName(text: string): ProxyName {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return { scheme: '', name: first, port: '' };
  if (parts.length === 2) return { scheme: '', name: first, port: second };
  if (parts.length === 3 && ['', 'http', 'https'].includes(first)) return { scheme: first, name: second, port: third };
  throw badRequest(`invalid name ${JSON.stringify(text)}: write name, name:port or scheme:name:port`);
}

function upstreamOf(services: Services, { storage }: Served, namespace: string, name: ProxyName): Upstream {
  switch (storage.plural) {
    case 'pods':
      return podUpstream(services, namespace, name);
    case 'services':
      return serviceUpstream(services, namespace, name);
    default:
      throw notImplemented(`${storage.plural}/proxy is not implemented by this API server`);
  }
}

function podUpstream({ context }: Services, namespace: string, { name, port }: ProxyName): Upstream {
  const pod = readObject(context, servedOf(pods), namespace, name).object as Pod;
  const address = pod.status?.podIP ?? '';
  if (address === '') throw serviceUnavailable(`pod ${name} has no address yet`);
  const declared = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? [])[0]?.containerPort;
  return { address, port: port === '' ? (declared ?? 80) : portNumber(port) };
}

function serviceUpstream({ context }: Services, namespace: string, { name, port }: ProxyName): Upstream {
  const service = readObject(context, servedOf(serviceResource), namespace, name).object as Service;
  const ports = service.spec?.ports ?? [];
  const wanted =
    port === ''
      ? ports.length === 1
        ? ports[0]
        : undefined
      : ports.find((entry) => entry.name === port || String(entry.port) === port);
  if (wanted === undefined)
    throw serviceUnavailable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const prefix = storePrefix(endpointSlices.group, endpointSlices.plural, namespace);
  const candidates: Upstream[] = [];
  for (const { object } of context.store.list(prefix).items) {
    if (object.metadata?.labels?.['kubernetes.io/service-name'] !== name) continue;
    const slice = object as unknown as EndpointSlice;
    const target = (slice.ports ?? []).find((entry) => (entry.name ?? '') === (wanted.name ?? ''))?.port;
    if (target === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const [address] = endpoint.addresses;
      if (address !== undefined && endpoint.conditions?.ready !== false) candidates.push({ address, port: target });
    }
  }
  const chosen = candidates[Math.floor(Math.random() * candidates.length)];
  if (chosen === undefined) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw badRequest(`${JSON.stringify(text)} is not a port`);
  return port;
}

/** Loopback and link-local addresses would lead to the server's own machine. */
function assertRoutable(address: string): void {
  const ip = parseIp(address);
  if (ip === undefined) throw notFound({ group: '', plural: 'endpoints' }, address);
  if (isLoopback(ip) || isLinkLocalUnicast(ip) || isLinkLocalMulticast(ip) || isUnspecified(ip))
    throw badRequest('address not allowed');
}

function forwardedHeaders({ request }: Exchange, { address, port }: Upstream): NodeJS.Dict<string | string[]> {
  const { authorization: _authorization, host: _host, connection: _connection, ...headers } = request.headers;
  const forwardedFor = [request.headers['x-forwarded-for'], request.socket.remoteAddress]
    .flat()
    .filter((text) => text !== undefined);
  return {
    ...headers,
    host: formatHostPort(address, port),
    'x-forwarded-for': forwardedFor.join(', '),
  };
}

function queryText({ request }: Exchange): string {
  const url = request.url ?? '';
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}
