/** Discovery in its first form: one document for the groups and one for each group version. */
import type { Resource } from '../../api/index.ts';
import { servedGroups } from '../registry/catalog.ts';

/** `/api`. */
export function coreVersions(serverAddress: string): unknown {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** `/apis`. */
export function groupList(): unknown {
  const groups = [...servedGroups()].filter(([group]) => group !== '').map(([group, resources]) => groupEntry(group, resources));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `/apis/GROUP`, or undefined for a group that is not served. */
export function groupDocument(group: string): unknown {
  const resources = group === '' ? undefined : servedGroups().get(group);
  return resources === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group, resources) };
}

/** `/api/v1` and `/apis/GROUP/VERSION`, or undefined. */
export function resourceList(group: string, version: string): unknown {
  const resources = (servedGroups().get(group) ?? []).filter((resource) => resource.version === version);
  if (resources.length === 0) return undefined;
  const entries = resources.flatMap((resource) => [resourceEntry(resource), ...subresourceEntries(resource)]);
  const groupVersion = group === '' ? version : `${group}/${version}`;
  return { kind: 'APIResourceList', ...(group === '' ? {} : { apiVersion: 'v1' }), groupVersion, resources: entries };
}

function groupEntry(group: string, resources: readonly Resource[]): object {
  const versions = [...new Set(resources.map(({ version }) => version))].map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourceEntry(resource: Resource): object {
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    ...(resource.shortNames === undefined ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories === undefined ? {} : { categories: resource.categories }),
  };
}

function subresourceEntries(resource: Resource): object[] {
  return Object.entries(resource.subresources ?? {}).map(([name, { kind, group, version, verbs }]) => ({
    name: `${resource.plural}/${name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...scaleOrOther(kind, group, version),
    kind,
    verbs,
  }));
}

/** Only subresources of another group say which. */
function scaleOrOther(kind: string, group: string | undefined, version: string | undefined): object {
  if (kind === 'Scale') return { group: 'autoscaling', version: 'v1' };
  return group === undefined ? {} : { group, version };
}
