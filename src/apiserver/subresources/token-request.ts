/** `serviceaccounts/token`: a bearer token for a service account (KEP-1205). */
import type { TokenRequest } from '../../api/index.ts';
import { invalid, invalidValue, tokenRequestSchema } from '../../api/index.ts';
import { decodeBody, readBody } from '../http/body.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import { jsonAnswer } from '../http/exchange.ts';
import type { ResourcePath } from '../http/request-info.ts';
import { writeOptionsOf } from '../http/request-options.ts';
import type { Services } from '../http/services.ts';
import type { Served } from '../registry/catalog.ts';
import { timestamp } from '../registry/context.ts';
import { expectObject } from '../registry/decode.ts';
import { readObject } from '../registry/read.ts';
import { tokenIssuer } from '../security/tokens.ts';

const defaultExpirationSeconds = 60 * 60;
const minExpirationSeconds = 10 * 60;

/** POST of a TokenRequest; answers it with a token in its status. */
export async function serveTokenRequest(
  services: Services,
  exchange: Exchange,
  served: Served,
  { namespace, name }: ResourcePath,
): Promise<Answer> {
  const options = writeOptionsOf(exchange);
  const body = await decodeBody(await readBody(exchange.request), exchange.request.headers['content-type']);
  const expected = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', schema: tokenRequestSchema };
  const request = expectObject(expected, body, options.fieldValidation, options.warn) as unknown as TokenRequest;
  const { object } = readObject(services.context, served, namespace, name);
  const now = services.context.now();
  const expirationSeconds = request.spec?.expirationSeconds ?? defaultExpirationSeconds;
  if (expirationSeconds < minExpirationSeconds) {
    throw invalid('TokenRequest', 'authentication.k8s.io', name, [
      invalidValue('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 10 minutes'),
    ]);
  }
  const asked = request.spec?.audiences ?? [];
  const audiences = asked.length > 0 ? asked : [tokenIssuer];
  const expires = new Date(now.getTime() + expirationSeconds * 1000);
  const token = services.tokens.issue({ namespace, name, uid: object.metadata?.uid ?? '', audiences, expires }, now);
  return jsonAnswer(201, {
    ...request,
    metadata: { ...request.metadata, name, namespace, creationTimestamp: timestamp(now) },
    spec: { ...request.spec, audiences, expirationSeconds },
    status: { token, expirationTimestamp: timestamp(expires) },
  });
}
