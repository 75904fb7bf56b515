/** The rules on `spec.ports` (k8s pkg/apis/core/validation, validateServicePort and the port parts of validateService). */
import type { FieldError } from '../field-errors.ts';
import { childPath, duplicate, forbiddenField, indexPath, invalidValue, notSupported, required } from '../field-errors.ts';
import type { Service, ServicePort } from '../kinds/index.ts';
import { portName, portNumber, qualifiedName } from '../validation/identifiers.ts';
import { serviceLabel } from './names.ts';
import { isExternalName, isHeadless, isLoadBalancer, portsOf } from './predicates.ts';

const portsPath = 'spec.ports';

/** Load balancers would open the kubelet to the world. */
const kubeletPort = 10_250;

/** Faults of the list as such: missing, or open where it must not be. */
export function validatePortList(service: Service): FieldError[] {
  const ports = portsOf(service);
  if (ports.length === 0) return isHeadless(service) || isExternalName(service) ? [] : [required(portsPath)];
  if (!isLoadBalancer(service)) return [];
  return ports.flatMap((port, index) =>
    port.port === kubeletPort
      ? [
          invalidValue(
            indexPath(portsPath, index),
            port.port,
            `may not expose port ${kubeletPort} externally since it is used by kubelet`,
          ),
        ]
      : [],
  );
}

/** Faults of each port by itself, and names given twice. */
export function validatePorts(service: Service): FieldError[] {
  const ports = portsOf(service);
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const path = indexPath(portsPath, index);
    const errors = validatePortName(port, childPath(path, 'name'), ports.length > 1, names);
    errors.push(...validatePort(port, path));
    return errors;
  });
}

/** Faults among ports: node ports where the type has none, and numbers given twice for one protocol. */
export function validatePortCombinations(service: Service): FieldError[] {
  const ports = portsOf(service);
  const errors: FieldError[] = [];
  for (const [index, port] of ports.entries()) {
    if (service.spec?.type === 'ClusterIP' && (port.nodePort ?? 0) !== 0)
      errors.push(forbiddenField(nodePortPath(index), "may not be used when `type` is 'ClusterIP'"));
  }
  for (const [index, { nodePort = 0 }] of repeated(ports, ({ nodePort, protocol }) => `${nodePort}/${protocol}`))
    if (nodePort !== 0) errors.push(duplicate(nodePortPath(index), nodePort));
  for (const [index, port] of repeated(ports, ({ port, protocol }) => `${port}/${protocol}`))
    errors.push(duplicate(indexPath(portsPath, index), goPortKey(port)));
  return errors;
}

/** Ports, with their index, that have the key of one before them. */
function repeated(ports: readonly ServicePort[], keyOf: (port: ServicePort) => string): [index: number, port: ServicePort][] {
  const seen = new Set<string>();
  return [...ports.entries()].filter(([, port]) => {
    const key = keyOf(port);
    const isRepeated = seen.has(key);
    seen.add(key);
    return isRepeated;
  });
}

function nodePortPath(index: number): string {
  return childPath(indexPath(portsPath, index), 'nodePort');
}

function validatePortName(port: ServicePort, path: string, isNameRequired: boolean, names: Set<string>): FieldError[] {
  const name = port.name ?? '';
  if (name === '') return isNameRequired ? [required(path)] : [];
  const errors = serviceLabel(name).map((message) => invalidValue(path, name, message));
  if (names.has(name)) errors.push(duplicate(path, name));
  names.add(name);
  return errors;
}

function validatePort(port: ServicePort, path: string): FieldError[] {
  // absent is 0 to upstream
  const number = (port as Partial<ServicePort>).port ?? 0;
  const errors = portNumber(number).map((message) => invalidValue(childPath(path, 'port'), number, message));
  const protocolPath = childPath(path, 'protocol');
  if (port.protocol === undefined || port.protocol === '') errors.push(required(protocolPath));
  else if (!protocols.includes(port.protocol)) errors.push(notSupported(protocolPath, port.protocol, protocols));
  errors.push(...validateTargetPort(port.targetPort ?? 0, childPath(path, 'targetPort')));
  const { appProtocol } = port;
  if (appProtocol !== undefined)
    errors.push(
      ...qualifiedName(appProtocol).map((message) => invalidValue(childPath(path, 'appProtocol'), appProtocol, message)),
    );
  return errors;
}

function validateTargetPort(targetPort: number | string, path: string): FieldError[] {
  const messages = typeof targetPort === 'number' ? portNumber(targetPort) : portName(targetPort);
  return messages.map((message) => invalidValue(path, targetPort, message));
}

/** Upstream shows the clashing pair as its own port struct, so the members bear Go's names. */
function goPortKey(port: ServicePort): object {
  return { Name: '', Protocol: port.protocol, AppProtocol: null, Port: port.port, TargetPort: 0, NodePort: 0 };
}

const protocols: readonly string[] = ['SCTP', 'TCP', 'UDP'];
