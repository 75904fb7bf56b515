/** `scale`: one view of everything that has replicas (autoscaling/v1 Scale). */
import type { Scale } from '../../api/index.ts';
import { ageText, labelSelectorFromObject, printLabelSelector, scaleSchema, selectorFromMap } from '../../api/index.ts';
import { decodeBody, readBody } from '../http/body.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import { formOf } from '../http/object-requests.ts';
import type { ResourcePath } from '../http/request-info.ts';
import { writeOptionsOf } from '../http/request-options.ts';
import type { Services } from '../http/services.ts';
import { formAnswer } from '../http/write-form.ts';
import type { Served } from '../registry/catalog.ts';
import { expectObject } from '../registry/decode.ts';
import { applyPatch, parsePatch } from '../registry/patch.ts';
import { readObject } from '../registry/read.ts';
import { updateObject } from '../registry/update.ts';
import type { ApiObject } from '../store/index.ts';

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: scaleSchema } as const;

/** GET, PUT and PATCH of a scale. */
export async function serveScale(services: Services, exchange: Exchange, served: Served, path: ResourcePath): Promise<Answer> {
  const form = formOf(exchange);
  const { namespace, name } = path;
  if (exchange.method === 'GET') {
    const { object } = readObject(services.context, served, namespace, name);
    const scale = scaleOf(object);
    const shown = form.as === 'Table' ? scaleTable(scale, form.version ?? 'v1', services.context.now()) : scale;
    return formAnswer(200, JSON.stringify(shown), form);
  }
  const options = writeOptionsOf(exchange);
  const bytes = await readBody(exchange.request);
  const contentType = exchange.request.headers['content-type'];
  let next: (current: ApiObject) => ApiObject;
  if (exchange.method === 'PATCH') {
    const parsed = await parsePatch(bytes, contentType);
    next = (current) => applyPatch(scaleKind, scaleOf(current), parsed, options.fieldValidation, options.warn);
  } else {
    const sent = expectObject(scaleKind, await decodeBody(bytes, contentType), options.fieldValidation, options.warn);
    next = () => sent;
  }
  const change = (current: ApiObject | undefined): ApiObject => withScale(current ?? {}, next(current ?? {}) as Scale);
  const target = { namespace, name, part: 'main', mayCreate: false } as const;
  const { object } = updateObject(services.context, served, target, change, options);
  return formAnswer(200, JSON.stringify(scaleOf(object)), form);
}

interface Scalable {
  readonly replicas?: number;
  readonly selector?: unknown;
}

function scaleOf(object: ApiObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
  const spec = object.spec as Scalable | undefined;
  const status = object.status as Scalable | undefined;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec?.replicas ?? 0 },
    status: { replicas: status?.replicas ?? 0, selector: selectorText(object.kind, spec?.selector) },
  };
}

/** What `kubectl get --subresource=scale` prints. */
function scaleTable(scale: Scale, version: string, now: Date): object {
  const { metadata, spec, status } = scale;
  const column = (name: string, type: string): object => ({
    name,
    type,
    format: name === 'Name' ? 'name' : '',
    description: '',
    priority: 0,
  });
  const apiVersion = `meta.k8s.io/${version}`;
  const age = ageText(now.getTime() - Date.parse(metadata?.creationTimestamp ?? now.toISOString()));
  const cells = [metadata?.name ?? '', spec?.replicas ?? 0, status?.replicas ?? 0, age];
  return {
    kind: 'Table',
    apiVersion,
    metadata: { resourceVersion: metadata?.resourceVersion ?? '' },
    columnDefinitions: [
      column('Name', 'string'),
      column('Desired', 'integer'),
      column('Available', 'integer'),
      column('Age', 'string'),
    ],
    rows: [{ cells, object: { kind: 'PartialObjectMetadata', apiVersion, metadata } }],
  };
}

function withScale(object: ApiObject, { metadata, spec }: Scale): ApiObject {
  const { resourceVersion, uid, name, namespace } = metadata ?? {};
  // The caller's conditions are checked against the object itself.
  const conditions = Object.fromEntries(
    Object.entries({ resourceVersion, uid, name, namespace }).filter(([, value]) => value !== undefined && value !== ''),
  );
  return {
    ...object,
    metadata: { ...object.metadata, ...conditions },
    spec: { ...(object.spec as object | undefined), replicas: spec?.replicas ?? 0 },
  };
}

/** A ReplicationController selects by a plain map, everything else by a LabelSelector. */
function selectorText(kind: string | undefined, selector: unknown): string {
  if (selector === undefined) return '';
  if (kind === 'ReplicationController') return printLabelSelector(selectorFromMap(selector as Readonly<Record<string, string>>));
  return printLabelSelector(labelSelectorFromObject(selector));
}
