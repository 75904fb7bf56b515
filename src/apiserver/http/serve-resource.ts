/** Requests to resources: from method and path to the registry, and from its result to an answer. */
import { methodNotAllowed, unknownPath } from '../../api/index.ts';
import { serveReview } from '../kinds/reviews.ts';
import type { Served } from '../registry/catalog.ts';
import { findServed } from '../registry/catalog.ts';
import { createObject } from '../registry/create.ts';
import { deleteObject } from '../registry/delete.ts';
import { listObjects } from '../registry/read.ts';
import type { ApiObject } from '../store/index.ts';
import { serveSubresource } from '../subresources/serve-subresource.ts';
import { serveWatch } from '../watch/serve-watch.ts';
import type { Answer, Exchange } from './exchange.ts';
import { isTrue, jsonAnswer } from './exchange.ts';
import type { AnswerForm } from './media-type.ts';
import { formOf, objectAnswer, patch, readObjectBody, readOne, toStorage, update } from './object-requests.ts';
import { presentationOf } from './presentation.ts';
import type { ResourcePath } from './request-info.ts';
import { deleteOptionsOf, listRequestOf, watchRequestOf, writeOptionsOf } from './request-options.ts';
import type { Services } from './services.ts';
import { formAnswer } from './write-form.ts';

/** Answers a request to a resource; undefined when the answer is a stream that has begun. Throws StatusError. */
export async function serveResource(services: Services, exchange: Exchange, path: ResourcePath): Promise<Answer | undefined> {
  const served = findServed(path.group, path.version, path.plural);
  if (served === undefined) throw unknownPath();
  const { resource } = served;
  if (path.subresource !== '') return serveSubresource(services, exchange, served, path);
  if (resource.namespaced && path.namespace === '' && path.name !== '') throw unknownPath();
  if (!resource.namespaced && path.namespace !== '') throw unknownPath();
  const verb = verbOf(exchange, path);
  if (!resource.verbs.includes(verb)) throw methodNotAllowed(resource, verb);
  if (!resource.verbs.includes('get')) return serveReview(services, exchange, resource, path.namespace);
  const form = formOf(exchange);
  switch (verb) {
    case 'get':
      return readOne(services, exchange, served, path, form);
    case 'list':
      return list(services, exchange, served, path.namespace, form);
    case 'watch': {
      const presentation = presentationOf(served, form, exchange.query.get('includeObject'), services.context.now);
      const request = watchRequestOf(exchange, served, path.namespace, path.name);
      serveWatch(services.context, served, presentation, request, exchange);
      return undefined;
    }
    case 'create':
      return create(services, exchange, served, path.namespace, form);
    case 'update':
      return update(services, exchange, served, path, 'main', form);
    case 'patch':
      return patch(services, exchange, served, path, 'main', form);
    case 'delete':
      return remove(services, exchange, served, path, form);
    case 'deletecollection':
      return removeCollection(services, exchange, served, path.namespace, form);
    default:
      throw methodNotAllowed(resource, verb);
  }
}

async function list(
  services: Services,
  exchange: Exchange,
  served: Served,
  namespace: string,
  form: AnswerForm,
): Promise<Answer> {
  const presentation = presentationOf(served, form, exchange.query.get('includeObject'), services.context.now);
  const result = listObjects(services.context, served, listRequestOf(exchange, served, namespace));
  const json = presentation.list(
    result.items.map(({ object }) => object),
    {
      resourceVersion: String(result.revision),
      continue: result.continueToken,
      remainingItemCount: result.remainingItemCount,
    },
  );
  return formAnswer(200, json, form);
}

async function create(
  services: Services,
  exchange: Exchange,
  served: Served,
  namespace: string,
  form: AnswerForm,
): Promise<Answer> {
  const options = writeOptionsOf(exchange);
  const sent = await readObjectBody(exchange, served.resource, options);
  const object = createObject(services.context, served, namespace, toStorage(served, sent), options);
  return objectAnswer(services, exchange, served, 201, object, form);
}

async function remove(
  services: Services,
  exchange: Exchange,
  served: Served,
  { namespace, name }: ResourcePath,
  form: AnswerForm,
): Promise<Answer> {
  const { options, isDryRun } = await deleteOptionsOf(exchange);
  const result = deleteObject(services.context, served, namespace, name, options, isDryRun);
  if (!result.isObject) return jsonAnswer(200, result.body);
  const httpStatus = !result.isGone && options.orphanDependents === false ? 202 : 200;
  return objectAnswer(services, exchange, served, httpStatus, result.body, form);
}

async function removeCollection(
  services: Services,
  exchange: Exchange,
  served: Served,
  namespace: string,
  form: AnswerForm,
): Promise<Answer> {
  const { options, isDryRun } = await deleteOptionsOf(exchange);
  const { context } = services;
  const selected = listObjects(context, served, listRequestOf(exchange, served, namespace));
  const deleted: ApiObject[] = [];
  for (const { object } of selected.items) {
    deleted.push(object);
    const { name = '', namespace: at = '' } = object.metadata ?? {};
    deleteObject(context, served, at, name, options, isDryRun);
  }
  const presentation = presentationOf(served, form, exchange.query.get('includeObject'), context.now);
  return formAnswer(200, presentation.list(deleted, { resourceVersion: String(context.store.revision) }), form);
}

function verbOf({ method, query }: Exchange, { name, isWatchPath }: ResourcePath): string {
  const isCollection = name === '';
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (isWatchPath || isTrue(query.get('watch'))) return 'watch';
      return isCollection ? 'list' : 'get';
    case 'POST':
      return isCollection ? 'create' : 'post';
    case 'PUT':
      return isCollection ? 'put' : 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return isCollection ? 'deletecollection' : 'delete';
    default:
      return method.toLowerCase();
  }
}
