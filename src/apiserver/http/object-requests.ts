/** Requests to one object, and to the parts of it that are subresources. */
import { notAcceptable } from '../../api/index.ts';
import type { Served } from '../registry/catalog.ts';
import { expectObject } from '../registry/decode.ts';
import type { ExpectedKind } from '../registry/decode.ts';
import { applyPatch, parsePatch } from '../registry/patch.ts';
import { readObject } from '../registry/read.ts';
import type { UpdatedPart } from '../registry/update.ts';
import { updateObject } from '../registry/update.ts';
import type { ApiObject } from '../store/index.ts';
import { decodeBody, readBody } from './body.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { AnswerForm } from './media-type.ts';
import { answerMediaTypes, negotiateObject } from './media-type.ts';
import { presentationOf } from './presentation.ts';
import type { ResourcePath } from './request-info.ts';
import type { WriteOptions } from './request-options.ts';
import { writeOptionsOf } from './request-options.ts';
import type { Services } from './services.ts';
import { formAnswer } from './write-form.ts';

/** The negotiated form of an object answer. Throws 406. */
export function formOf({ request }: Exchange): AnswerForm {
  const form = negotiateObject(request.headers.accept);
  if (form === undefined) throw notAcceptable(answerMediaTypes);
  return form;
}

/** An answer of one object in its stored form. */
export function objectAnswer(
  services: Services,
  { query }: Exchange,
  served: Served,
  httpStatus: number,
  object: ApiObject,
  form: AnswerForm,
): Promise<Answer> {
  const presentation = presentationOf(served, form, query.get('includeObject'), services.context.now);
  return formAnswer(httpStatus, presentation.object(object, true), form);
}

/** GET of an object. */
export function readOne(
  services: Services,
  exchange: Exchange,
  served: Served,
  path: ResourcePath,
  form: AnswerForm,
): Promise<Answer> {
  const { object } = readObject(services.context, served, path.namespace, path.name, exchange.query.get('resourceVersion') ?? '');
  return objectAnswer(services, exchange, served, 200, object, form);
}

/** PUT of an object or of one of its parts. */
export async function update(
  services: Services,
  exchange: Exchange,
  served: Served,
  path: ResourcePath,
  part: UpdatedPart,
  form: AnswerForm,
): Promise<Answer> {
  const options = writeOptionsOf(exchange);
  const sent = await readObjectBody(exchange, served.resource, options);
  const { namespace, name } = path;
  const target = { namespace, name, part, mayCreate: part === 'main' };
  const result = updateObject(services.context, served, target, () => toStorage(served, sent), options);
  return objectAnswer(services, exchange, served, result.isNew ? 201 : 200, result.object, form);
}

/** PATCH of an object or of one of its parts. */
export async function patch(
  services: Services,
  exchange: Exchange,
  served: Served,
  path: ResourcePath,
  part: UpdatedPart,
  form: AnswerForm,
): Promise<Answer> {
  const { request } = exchange;
  const parsed = await parsePatch(await readBody(request), request.headers['content-type']);
  const options = writeOptionsOf(exchange);
  const { namespace, name } = path;
  const change = (current: ApiObject | undefined): ApiObject => {
    const before = current === undefined ? {} : (served.conversion?.fromStorage(current) ?? current);
    return toStorage(served, applyPatch(served.resource, before, parsed, options.fieldValidation, options.warn));
  };
  const { object } = updateObject(services.context, served, { namespace, name, part, mayCreate: false }, change, options);
  return objectAnswer(services, exchange, served, 200, object, form);
}

/** The body as an object of the kind, in the form that the client sent. */
export async function readObjectBody({ request }: Exchange, kind: ExpectedKind, options: WriteOptions): Promise<ApiObject> {
  const body = await decodeBody(await readBody(request), request.headers['content-type']);
  return expectObject(kind, body, options.fieldValidation, options.warn);
}

/** The form in which an object is stored. */
export function toStorage({ conversion }: Served, object: ApiObject): ApiObject {
  return conversion?.toStorage(object) ?? object;
}
