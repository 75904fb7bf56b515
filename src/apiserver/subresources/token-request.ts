/** `serviceaccounts/token`: a bearer token for a service account (KEP-1205). */
import type { BoundObjectReference, Pod, TokenRequest } from '../../api/index.ts';
import { badRequest, conflict, invalid, invalidValue, tokenRequestSchema, formatTime } from '../../api/index.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import { jsonAnswer } from '../http/exchange.ts';
import { readObjectBody } from '../http/object-requests.ts';
import type { ResourcePath } from '../http/request-info.ts';
import { writeOptionsOf } from '../http/request-options.ts';
import type { Services } from '../http/services.ts';
import { servedOf } from '../registry/catalog.ts';
import type { Served } from '../registry/catalog.ts';
import { readObject } from '../registry/read.ts';
import { boundResources } from '../security/live-tokens.ts';
import { tokenIssuer } from '../security/tokens.ts';
import type { BoundKind, BoundObject } from '../security/tokens.ts';

const defaultExpirationSeconds = 60 * 60;
const minExpirationSeconds = 10 * 60;
const maxExpirationSeconds = 2 ** 32;

/** POST of a TokenRequest; answers it with a token in its status. */
export async function serveTokenRequest(
  services: Services,
  exchange: Exchange,
  served: Served,
  { namespace, name }: ResourcePath,
): Promise<Answer> {
  const options = writeOptionsOf(exchange);
  const expected = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', schema: tokenRequestSchema };
  const request = (await readObjectBody(exchange, expected, options)) as unknown as TokenRequest;
  const { object } = readObject(services.context, served, namespace, name);
  const now = services.context.now();
  const expirationSeconds = request.spec?.expirationSeconds ?? defaultExpirationSeconds;
  const problem = lifetimeProblem(expirationSeconds);
  if (problem !== undefined) {
    throw invalid('TokenRequest', 'authentication.k8s.io', name, [
      invalidValue('spec.expirationSeconds', expirationSeconds, problem),
    ]);
  }
  const asked = request.spec?.audiences ?? [];
  const audiences = asked.length > 0 ? asked : [tokenIssuer];
  const expires = new Date(now.getTime() + expirationSeconds * 1000);
  const bound = boundObjectOf(services, request.spec?.boundObjectRef, { namespace, name });
  const token = services.tokens.issue({ namespace, name, uid: object.metadata?.uid ?? '', audiences, expires, bound }, now);
  return jsonAnswer(201, {
    ...request,
    metadata: { ...request.metadata, name, namespace, creationTimestamp: formatTime(now) },
    spec: { ...request.spec, audiences, expirationSeconds },
    status: { token, expirationTimestamp: formatTime(expires) },
  });
}

/** Upstream's words (pkg/apis/authentication/validation). */
function lifetimeProblem(seconds: number): string | undefined {
  if (seconds < minExpirationSeconds) return 'may not specify a duration less than 10 minutes';
  return seconds > maxExpirationSeconds ? 'may not specify a duration larger than 2^32 seconds' : undefined;
}

/** The object that the token is to end with, as it is now (pkg/registry/core/serviceaccount/storage/token.go). */
function boundObjectOf(
  { context }: Services,
  reference: BoundObjectReference | undefined,
  account: { readonly namespace: string; readonly name: string },
): BoundObject | undefined {
  if (reference === undefined) return undefined;
  const kind = (['pod', 'secret', 'node'] satisfies BoundKind[]).find((each) => boundResources[each].kind === reference.kind);
  if (kind === undefined || (reference.apiVersion ?? 'v1') !== 'v1')
    throw badRequest(`cannot bind token to object of type ${reference.apiVersion ?? ''}, Kind=${reference.kind ?? ''}`);
  const resource = boundResources[kind];
  const { object } = readObject(context, servedOf(resource), resource.namespaced ? account.namespace : '', reference.name ?? '');
  const { name = '', uid = '' } = object.metadata ?? {};
  if (kind === 'pod' && ((object as Pod).spec?.serviceAccountName ?? 'default') !== account.name)
    throw badRequest(`cannot bind token for serviceaccount "${account.name}" to pod running with different serviceaccount name.`);
  if (reference.uid !== undefined && reference.uid !== '' && reference.uid !== uid)
    throw conflict(
      resource,
      name,
      `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  return { kind, name, uid };
}
