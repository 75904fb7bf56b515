/** Aggregated discovery (KEP-3352): everything about all groups in two requests. */
import type { Resource, Subresource } from '../../api/index.ts';
import { servedGroups } from '../registry/catalog.ts';

export type AggregatedVersion = 'v2' | 'v2beta1';

/** The document of `/api` (`core`: one item with an empty name) or of `/apis` (`groups`). */
export function aggregatedDiscovery(part: 'core' | 'groups', version: AggregatedVersion): unknown {
  const items = [...servedGroups()]
    .filter(([group]) => (group === '') === (part === 'core'))
    .map(([group, resources]) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: versionsOf(resources),
    }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

/** The Content-Type that tells a client which document it got. */
export function aggregatedContentType(version: AggregatedVersion): string {
  return `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
}

function versionsOf(resources: readonly Resource[]): object[] {
  const versions = [...new Set(resources.map(({ version }) => version))];
  return versions.map((version) => ({
    version,
    freshness: 'Current',
    resources: resources.filter((resource) => resource.version === version).map(resourceEntry),
  }));
}

function resourceEntry(resource: Resource): object {
  const { group, version, kind, plural, singular, namespaced, verbs, shortNames, categories, subresources } = resource;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames === undefined ? {} : { shortNames }),
    ...(categories === undefined ? {} : { categories }),
    ...(subresources === undefined
      ? {}
      : {
          subresources: Object.entries(subresources).map(([name, subresource]) => subresourceEntry(resource, name, subresource)),
        }),
  };
}

function subresourceEntry(resource: Resource, name: string, { kind, group, version, verbs }: Subresource): object {
  const responseKind =
    kind === 'Scale'
      ? { group: 'autoscaling', version: 'v1', kind }
      : { group: group ?? resource.group, version: version ?? resource.version, kind };
  return { subresource: name, responseKind, verbs };
}
