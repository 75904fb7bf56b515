/** The OpenAPI documents of the API: version 3 for each group version, version 2 for all at once. */
import {
  bindingSchema,
  deleteOptionsSchema,
  evictionSchema,
  resources,
  scaleSchema,
  statusSchema,
  tokenRequestSchema,
} from '../kinds/index.ts';
import { apiVersionOf } from '../resource.ts';
import type { Resource } from '../resource.ts';
import type { Schema } from '../schema.ts';
import type { OpenApiObject } from './definitions.ts';
import { definitionsFor, schemasOf } from './definitions.ts';
import { pathsOf } from './paths.ts';

export interface OpenApiOptions {
  /** What the server calls its version, e.g. v1.36.2. */
  readonly version?: string;
  /** Whether PATCH with application/apply-patch+yaml is advertised. Off: clients must not be promised what is not kept. */
  readonly serverSideApply?: boolean;
}

/** Group versions that have a document, in the order of the resources: `v1`, `apps/v1` … */
export function openApiGroupVersions(): string[] {
  return [...new Set(resources.map(apiVersionOf))];
}

/** The version 3 document of a group version (`v1`, `apps/v1`); undefined when it is not served. */
export function openApiV3(groupVersion: string, options: OpenApiOptions = {}): OpenApiObject | undefined {
  const own = resources.filter((resource) => apiVersionOf(resource) === groupVersion);
  if (own.length === 0) return undefined;
  return {
    openapi: '3.0.0',
    info: info(options),
    paths: allPaths(own, 3, options),
    components: {
      schemas: definitionsFor(allSchemas(own), 3),
      securitySchemes: {
        BearerToken: { type: 'apiKey', description: 'Bearer token', name: 'authorization', in: 'header' },
      },
    },
  };
}

/** The version 2 document of everything. For people and for the URL that tests ask: kubectl reads version 3. */
export function openApiV2(options: OpenApiOptions = {}): OpenApiObject {
  return {
    swagger: '2.0',
    info: info(options),
    paths: allPaths(resources, 2, options),
    definitions: definitionsFor(allSchemas(resources), 2),
    securityDefinitions: {
      BearerToken: { type: 'apiKey', description: 'Bearer token', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  };
}

function info({ version = 'v1.36.2' }: OpenApiOptions): OpenApiObject {
  return { title: 'Kubernetes', version };
}

function allPaths(served: readonly Resource[], version: 2 | 3, { serverSideApply = false }: OpenApiOptions): OpenApiObject {
  return Object.assign({}, ...served.map((resource) => pathsOf(resource, version, { serverSideApply }))) as OpenApiObject;
}

function allSchemas(served: readonly Resource[]): Schema[] {
  const subresourceKinds = new Set(
    served.flatMap((resource) => Object.values(resource.subresources ?? {}).map((subresource) => subresource.kind)),
  );
  return [
    deleteOptionsSchema,
    statusSchema,
    ...served.flatMap(schemasOf),
    ...(subresourceKinds.has('Scale') ? [scaleSchema] : []),
    ...(subresourceKinds.has('Binding') ? [bindingSchema] : []),
    ...(subresourceKinds.has('Eviction') ? [evictionSchema] : []),
    ...(subresourceKinds.has('TokenRequest') ? [tokenRequestSchema] : []),
  ];
}
