/** Field selectors: which fields of which kind can be selected by, and their printed values (k8s pkg/apis/core/v1/conversion.go). */
import type { FieldSelectorMatcher, Resource } from '../../api/index.ts';
import { badRequest, parseFieldSelector } from '../../api/index.ts';
import type { ApiObject } from '../store/index.ts';

/** Parses a field selector for a resource. Throws a 400 StatusError for a malformed one or a field that is not selectable. */
export function parseFieldSelectorFor(resource: Resource, text: string): FieldSelectorMatcher {
  const selector = parseFieldSelector(text);
  const known = selectablePaths[`${resource.group}/${resource.plural}`];
  for (const { field } of selector.requirements) {
    if (field === 'metadata.name' || field === 'metadata.namespace' || known?.includes(field) === true) continue;
    throw badRequest(
      known === undefined
        ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
        : `field label not supported: ${field}`,
    );
  }
  return selector;
}

/** Whether an object has the fields that a selector asks for. Absent ones compare as the zero value that upstream prints. */
export function matchesFields(selector: FieldSelectorMatcher, object: ApiObject): boolean {
  if (selector.requirements.length === 0) return true;
  const fields: Record<string, string> = {};
  for (const { field } of selector.requirements) fields[field] = printedValue(object, field);
  return selector.matches(fields);
}

function printedValue(object: ApiObject, path: string): string {
  // Reasons of old events lie in source.component; the selector has a name of its own for it.
  if (path === 'source') return text(valueAt(object, 'source.component') ?? valueAt(object, 'reportingComponent'));
  if (path === 'reportingComponent') return text(valueAt(object, 'reportingComponent') ?? valueAt(object, 'source.component'));
  if (path === 'status.podIPs') {
    const addresses = valueAt(object, path);
    return Array.isArray(addresses) ? addresses.map((entry: { readonly ip?: string }) => entry.ip ?? '').join(',') : '';
  }
  const value = valueAt(object, path);
  return value === undefined ? (zeroValues[path] ?? '') : text(value);
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const member of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[member];
  }
  return value;
}

const zeroValues: Readonly<Record<string, string>> = {
  'spec.unschedulable': 'false',
  'spec.hostNetwork': 'false',
  'status.replicas': '0',
  'status.successful': '0',
};

const eventFields = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'source',
  'type',
];

/** By `group/plural` of the stored form; kinds that are absent know their name and namespace only. */
const selectablePaths: Readonly<Record<string, readonly string[]>> = {
  '/pods': [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  '/nodes': ['spec.unschedulable'],
  '/services': ['spec.clusterIP', 'spec.type'],
  '/namespaces': ['status.phase'],
  '/secrets': ['type'],
  '/replicationcontrollers': ['status.replicas'],
  '/events': eventFields,
  'apps/replicasets': ['status.replicas'],
  'batch/jobs': ['status.successful'],
};
