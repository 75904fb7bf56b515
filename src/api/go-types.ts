/** The Go names of types, for decode errors in upstream's words: `[]v1.ServicePort`, `v1.ServiceType`. */
import type { Schema } from './schema.ts';

/** The struct's bare name: `ServiceSpec`. */
export function goStructName(schema: Schema): string {
  return schema.name?.split('.').at(-1) ?? '';
}

/** The Go type of a member. `owner` is the struct that declares it: it decides which named text type upstream uses. */
export function goTypeName(schema: Schema, owner = '', member = ''): string {
  switch (schema.type) {
    case 'object':
      return `v1.${goStructName(schema)}`;
    case 'list':
      return `[]${schema.items === undefined ? 'string' : goTypeName(schema.items, owner, member)}`;
    case 'map':
      if (schema.items?.type === 'quantity') return 'v1.ResourceList';
      return `map[string]${schema.items === undefined ? 'string' : goTypeName(schema.items)}`;
    case 'string':
      return namedTexts[`${owner}.${member}`] ?? namedTexts[`.${member}`] ?? 'string';
    case 'boolean':
      return 'bool';
    case 'int32':
    case 'int64':
      return schema.type;
    case 'double':
      return 'float64';
    case 'bytes':
      return '[]uint8';
    case 'time':
    case 'microTime':
    case 'duration':
    case 'quantity':
      return 'string';
    case 'intOrString':
      return 'int32';
    case 'fields':
    case 'raw':
      return 'map[string]interface {}';
  }
}

/** Members whose text has a type of its own in Go, by `Struct.member` or, wherever it stands, `.member`. */
const namedTexts: Readonly<Record<string, string>> = {
  'ServiceSpec.type': 'v1.ServiceType',
  'ServiceSpec.sessionAffinity': 'v1.ServiceAffinity',
  'ServiceSpec.externalTrafficPolicy': 'v1.ServiceExternalTrafficPolicy',
  'ServiceSpec.internalTrafficPolicy': 'v1.ServiceInternalTrafficPolicy',
  'ServiceSpec.ipFamilies': 'v1.IPFamily',
  'ServiceSpec.ipFamilyPolicy': 'v1.IPFamilyPolicy',
  'PodSpec.restartPolicy': 'v1.RestartPolicy',
  'PodSpec.dnsPolicy': 'v1.DNSPolicy',
  'Container.imagePullPolicy': 'v1.PullPolicy',
  'Container.terminationMessagePolicy': 'v1.TerminationMessagePolicy',
  'HTTPGetAction.scheme': 'v1.URIScheme',
  'EndpointSlice.addressType': 'v1.AddressType',
  'Secret.type': 'v1.SecretType',
  'DeploymentStrategy.type': 'v1.DeploymentStrategyType',
  'Taint.effect': 'v1.TaintEffect',
  'Toleration.effect': 'v1.TaintEffect',
  '.protocol': 'v1.Protocol',
  '.uid': 'types.UID',
};
