/** `pods/log`: the lines of a container, chunked, and followed as they come. */
import { once } from 'node:events';
import { badRequest, internalError, isStatusError } from '../../api/index.ts';
import type { Exchange } from '../http/exchange.ts';
import { isTrue, sendAnswer, textAnswer } from '../http/exchange.ts';
import type { ResourcePath } from '../http/request-info.ts';
import type { Services } from '../http/services.ts';
import { messageOf } from '../../observe/index.ts';
import type { LogOptions } from '../node-access.ts';
import type { Served } from '../registry/catalog.ts';
import { assertStarted, containerOf, findReachablePod } from './pod-target.ts';

/** Streams the log; the answer begins with the first bytes, so that faults before them are still errors. */
export async function servePodLog(
  services: Services,
  exchange: Exchange,
  _served: Served,
  { namespace, name }: ResourcePath,
): Promise<undefined> {
  const { pod, target, nodeAccess } = findReachablePod(services, namespace, name);
  const container = containerOf(pod, exchange.query.get('container') ?? '');
  assertStarted(pod, container);
  const { response } = exchange;
  const start = (): void => {
    if (response.headersSent) return;
    response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
  };
  const options = logOptionsOf(exchange.query, container);
  try {
    // A client that follows wants to see that it is connected, lines or not.
    if (options.follow) start();
    for await (const chunk of nodeAccess.readLog(target, options, exchange.signal)) {
      start();
      if (response.destroyed) return;
      if (!response.write(chunk)) await once(response, 'drain', { signal: exchange.signal });
    }
  } catch (error) {
    if (exchange.signal.aborted) {
      response.end();
      return;
    }
    if (response.headersSent) {
      services.logger.debug({ pod: `${namespace}/${name}`, error: messageOf(error) }, 'log stream broke off');
      response.destroy();
      return;
    }
    throw isStatusError(error) ? error : internalError(messageOf(error), { cause: error });
  }
  if (response.headersSent) response.end();
  else sendAnswer(exchange, textAnswer(200, ''));
}

function logOptionsOf(query: URLSearchParams, container: string): LogOptions {
  const sinceTime = query.get('sinceTime') ?? undefined;
  if (sinceTime !== undefined && Number.isNaN(Date.parse(sinceTime))) {
    throw badRequest(`sinceTime: ${JSON.stringify(sinceTime)} is not a time as RFC 3339 has it`);
  }
  return {
    container,
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    tailLines: naturalOf(query, 'tailLines'),
    limitBytes: naturalOf(query, 'limitBytes'),
    sinceSeconds: naturalOf(query, 'sinceSeconds'),
    sinceTime,
  };
}

function naturalOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name}: must be greater than or equal to 0, not ${JSON.stringify(text)}`);
  return Number(text);
}
