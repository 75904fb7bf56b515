/**
 * API errors as Kubernetes answers them: one `StatusError` whose `status` is the body and whose `httpStatus` the code.
 * Message texts are upstream's (k8s apimachinery/pkg/api/errors): clients print and match them.
 */
import { CodedError } from '../observe/index.ts';
import type { FieldError } from './field-errors.ts';
import { printFieldErrorBody, printFieldErrors } from './field-errors.ts';
import type { Status, StatusCause, StatusDetails } from './kinds/meta.ts';
import type { Resource } from './resource.ts';

export type StatusReason =
  | 'AlreadyExists'
  | 'BadRequest'
  | 'Conflict'
  | 'Expired'
  | 'Forbidden'
  | 'Gone'
  | 'InternalError'
  | 'Invalid'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'NotFound'
  | 'RequestEntityTooLarge'
  | 'ServerTimeout'
  | 'ServiceUnavailable'
  | 'Timeout'
  | 'TooManyRequests'
  | 'Unauthorized'
  | 'UnsupportedMediaType'
  | 'Unknown';

/** `code` is the reason; `httpStatus` the HTTP code. */
export interface StatusFacts {
  readonly code: StatusReason;
  readonly httpStatus: number;
}

/** The part of a resource that error texts name. */
export type ResourceName = Pick<Resource, 'group' | 'plural'>;

/** An error that the API answers, or that a client got as an answer. */
export class StatusError extends CodedError<StatusFacts> {
  readonly status: Status;

  constructor(status: Status, options?: { readonly cause?: unknown }) {
    const httpStatus = status.code ?? 500;
    const code = status.reason === undefined || status.reason === '' ? 'Unknown' : (status.reason as StatusReason);
    super(status.message ?? code, { code, httpStatus }, options);
    this.status = status;
  }

  get httpStatus(): number {
    return this.facts.httpStatus;
  }
}

/** A failure with everything given. The makers below are for the cases that have upstream's words. */
export function statusError(
  httpStatus: number,
  reason: StatusReason,
  message: string,
  details?: StatusDetails,
  options?: { readonly cause?: unknown },
): StatusError {
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: reason === 'Unknown' ? '' : reason,
    ...(details === undefined ? {} : { details }),
    code: httpStatus,
  };
  return new StatusError(status, options);
}

/** The error for what a server answered. A body that is no Status becomes a message of its text. */
export function statusErrorFromBody(httpStatus: number, body: unknown): StatusError {
  if (isStatusBody(body)) return new StatusError({ ...body, code: body.code ?? httpStatus });
  const text =
    typeof body === 'string' && body.trim() !== '' ? body.trim() : `the server answered with HTTP status ${httpStatus}`;
  return statusError(httpStatus, reasonOfHttpStatus(httpStatus), text);
}

/** Status of an action that succeeded, for answers that return no object. */
export function successStatus(details?: StatusDetails): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', ...(details === undefined ? {} : { details }) };
}

/** `services`, or `deployments.apps` outside the core group. */
export function qualifiedResource(resource: ResourceName): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** 404: no object of that name. */
export function notFound(resource: ResourceName, name: string): StatusError {
  return statusError(404, 'NotFound', `${qualifiedResource(resource)} ${quoted(name)} not found`, detailsOf(resource, name));
}

/** 404: the path names nothing that is served. */
export function unknownPath(): StatusError {
  return statusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 409: the name is taken. */
export function alreadyExists(resource: ResourceName, name: string): StatusError {
  return statusError(
    409,
    'AlreadyExists',
    `${qualifiedResource(resource)} ${quoted(name)} already exists`,
    detailsOf(resource, name),
  );
}

/** 409: no free name was found for a generateName. */
export function generateNameConflict(resource: ResourceName, name: string): StatusError {
  return statusError(
    409,
    'AlreadyExists',
    `${qualifiedResource(resource)} ${quoted(name)} already exists, the server was not able to generate a unique name for the object`,
    { ...detailsOf(resource, name), retryAfterSeconds: 1 },
  );
}

/** What a conditional write answers when somebody else wrote meanwhile. */
export const objectModifiedText = 'the object has been modified; please apply your changes to the latest version and try again';

/** 409: a precondition of the write does not hold. */
export function conflict(
  resource: ResourceName,
  name: string,
  text: string = objectModifiedText,
  causes?: readonly StatusCause[],
): StatusError {
  return statusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(resource)} ${quoted(name)}: ${text}`,
    {
      ...detailsOf(resource, name),
      ...(causes === undefined ? {} : { causes }),
    },
  );
}

/** 422: the object breaks rules of its kind. `kind` is printed with its group, as in `Deployment.apps "x" is invalid`. */
export function invalid(kind: string, group: string, name: string, errors: readonly FieldError[]): StatusError {
  const qualified = group === '' ? kind : `${kind}.${group}`;
  const head = `${qualified} ${quoted(name)} is invalid`;
  return statusError(422, 'Invalid', errors.length === 0 ? head : `${head}: ${printFieldErrors(errors)}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind,
    causes: errors.map((error) => ({ reason: error.type, message: printFieldErrorBody(error), field: error.field })),
  });
}

/** 400: the request cannot be understood. */
export function badRequest(message: string, options?: { readonly cause?: unknown }): StatusError {
  return statusError(400, 'BadRequest', message, undefined, options);
}

/** 403: not allowed. Causes carry machine-readable reasons such as NamespaceTerminating. */
export function forbidden(resource: ResourceName, name: string, text: string, causes?: readonly StatusCause[]): StatusError {
  const subject = name === '' ? qualifiedResource(resource) : `${qualifiedResource(resource)} ${quoted(name)}`;
  return statusError(403, 'Forbidden', `${subject} is forbidden: ${text}`, {
    ...detailsOf(resource, name),
    ...(causes === undefined ? {} : { causes }),
  });
}

/** 401: no valid credentials. */
export function unauthorized(message = 'Unauthorized'): StatusError {
  return statusError(401, 'Unauthorized', message);
}

/** 405: the resource has no such verb. */
export function methodNotAllowed(resource: ResourceName, verb: string): StatusError {
  return statusError(405, 'MethodNotAllowed', `${verb} is not supported on resources of kind "${qualifiedResource(resource)}"`, {
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
  });
}

/** 406: none of the media types that the client accepts can be made. */
export function notAcceptable(supported: readonly string[]): StatusError {
  return statusError(406, 'NotAcceptable', `only the following media types are accepted: ${supported.join(', ')}`);
}

/** 415: the body's media type is not read here. */
export function unsupportedMediaType(supported: readonly string[]): StatusError {
  return statusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
  );
}

/** 410 Expired: the resource version or continue token is too old to be served. */
export function expired(message: string): StatusError {
  return statusError(410, 'Expired', message);
}

/** 410 Expired for a watch that asks for history no longer kept. */
export function tooOldResourceVersion(asked: string, oldest: string): StatusError {
  return expired(`too old resource version: ${asked} (${oldest})`);
}

/** 410 Gone. */
export function gone(message: string): StatusError {
  return statusError(410, 'Gone', message);
}

/** 504: not done in time; `retryAfterSeconds` tells the client when to come again. */
export function timeout(message: string, retryAfterSeconds = 0): StatusError {
  return statusError(504, 'Timeout', `Timeout: ${message}`, retryAfterSeconds > 0 ? { retryAfterSeconds } : {});
}

/** 504: the client asks for a state newer than any there is. */
export function tooLargeResourceVersion(asked: string, current: string): StatusError {
  return statusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** 500: our own fault. The text of the cause is told to the client. */
export function internalError(text: string, options?: { readonly cause?: unknown }): StatusError {
  return statusError(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] }, options);
}

/** 503. */
export function serviceUnavailable(message: string): StatusError {
  return statusError(503, 'ServiceUnavailable', message);
}

/** 429: come again later. */
export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return statusError(429, 'TooManyRequests', message, { retryAfterSeconds });
}

/** 413: the body, or a list in it, is larger than is read. */
export function requestEntityTooLarge(message: string): StatusError {
  return statusError(413, 'RequestEntityTooLarge', `Request entity is too large: ${message}`);
}

/** 422 without field paths: a patch that is well formed but cannot be applied to the object. */
export function patchRejected(text: string, options?: { readonly cause?: unknown }): StatusError {
  const causes = [{ reason: 'UnexpectedServerResponse', message: text, field: 'patch' }];
  const message = `the server rejected our request due to an error in our request: ${text}`;
  return statusError(422, 'Invalid', message, { causes }, options);
}

/** Whether it is an answer of an API server, here or from a server elsewhere. */
export function isStatusError(error: unknown): error is StatusError {
  return error instanceof StatusError;
}

/** 404. */
export function isNotFound(error: unknown): boolean {
  return hasReason(error, 'NotFound');
}

/** 409 because the object changed meanwhile. */
export function isConflict(error: unknown): boolean {
  return hasReason(error, 'Conflict');
}

/** 409 because the name is taken. */
export function isAlreadyExists(error: unknown): boolean {
  return hasReason(error, 'AlreadyExists');
}

/** 410, under either of its reasons. */
export function isExpired(error: unknown): boolean {
  return hasReason(error, 'Expired') || hasReason(error, 'Gone');
}

/** 422. */
export function isInvalid(error: unknown): boolean {
  return hasReason(error, 'Invalid');
}

/** 403. */
export function isForbidden(error: unknown): boolean {
  return hasReason(error, 'Forbidden');
}

function hasReason(error: unknown, reason: StatusReason): boolean {
  return error instanceof StatusError && error.code === reason;
}

function detailsOf(resource: ResourceName, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
  };
}

function isStatusBody(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status';
}

function reasonOfHttpStatus(httpStatus: number): StatusReason {
  return reasonsByCode[httpStatus] ?? 'Unknown';
}

function quoted(name: string): string {
  return JSON.stringify(name);
}

const reasonsByCode: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};
