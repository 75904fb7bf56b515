/** For the tables of mistakes in Services: what one says, and Services to make them with. */
import type { Service, ServiceSpec } from '../kinds/index.ts';

/** A wrong Service and what is said of it. */
export interface Mistake {
  /** The number of the mistake in the reference table. */
  readonly m: number;
  readonly spec: ServiceSpec;
  readonly metadata?: Service['metadata'];
  readonly want: readonly string[];
}

/** A Service `demo/web`. */
export function serviceOf(spec: ServiceSpec, metadata: Service['metadata'] = {}): Service {
  return { metadata: { name: 'web', namespace: 'demo', ...metadata }, spec };
}

/** Port 80, and what else is said of it. */
export function port(fields: object = {}): NonNullable<ServiceSpec['ports']>[number] {
  return { port: 80, ...fields };
}

/** A spec with such a port and nothing else. */
export function onePort(fields: object): ServiceSpec {
  return { ports: [port(fields)] };
}

/** The spec, with a port where it has none. */
export function withPort(spec: ServiceSpec): ServiceSpec {
  return { ports: [port()], ...spec };
}

/** What identifiers and addresses must be, in upstream's words. */
export const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
export const qualifiedText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
export const notIpText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
