/** Why a name below the cluster domain does not exist: the first thing that is missing, reading from the right, as the server does. Pure. */
import { objectsIn, textOf } from '../api/index.ts';
import { endpointViews } from './endpoint-views.ts';
import type { NameReason } from './explanation.ts';
import type { KnownService, NameIndex } from './name-index.ts';
import { dashedLabel, parseDashedLabel } from './pod-label.ts';
import { clusterIpsOf, externalTarget, isHeadless } from './service-records.ts';

/** `labels` is the name relative to the zone, leftmost first; the name is known not to exist. */
export function explainMissing(index: NameIndex, labels: readonly string[]): NameReason {
  const branch = labels.at(-1) ?? '';
  const namespace = labels.at(-2) ?? '';
  if (branch === 'pod') return explainPod(index, labels, namespace);
  if (branch !== 'svc') {
    const hint = index.hasNamespace(branch) ? ` (meant as <service>.${branch}.svc.${index.zone}?)` : '';
    return {
      code: 'unknown-branch',
      message: `next to ${index.zone} there are only svc, pod, dns and dns-version, not ${branch}${hint}`,
    };
  }
  if (!index.hasNamespace(namespace)) return { code: 'no-such-namespace', message: `there is no namespace ${namespace}` };
  const name = labels.at(-3) ?? '';
  const known = index.service(namespace, name);
  if (known?.service === undefined) return explainService(index, namespace, name, known);
  if (known.service.spec?.type === 'ExternalName') return explainExternal(index, known, labels);
  if (labels.length === 3) return explainEmpty(index, known);
  return labels.length === 4 ? explainEndpoint(index, known, labels[0] ?? '') : explainPort(index, known, labels);
}

function explainPod(index: NameIndex, labels: readonly string[], namespace: string): NameReason {
  if (index.podMode === 'disabled')
    return { code: 'pod-names-disabled', message: 'names of pods are switched off (pod mode "disabled")' };
  if (!index.hasNamespace(namespace)) return { code: 'no-such-namespace', message: `there is no namespace ${namespace}` };
  if (labels.length > 3) return { code: 'too-many-labels', message: 'nothing exists below the name of a pod' };
  const label = labels[0] ?? '';
  const bytes = Uint8Array.from(label, (character) => character.charCodeAt(0));
  if (parseDashedLabel(bytes, 0, bytes.length, new Uint8Array(16)) === 0) {
    return { code: 'not-an-address', message: `${label} is no address with dashes: pods have names such as 10-244-1-7` };
  }
  return {
    code: 'no-such-pod',
    message: `no live pod in namespace ${namespace} has the address ${label} (pod mode "verified")`,
  };
}

function explainService(index: NameIndex, namespace: string, name: string, known: KnownService | undefined): NameReason {
  if (name === '*' || name === 'any')
    return { code: 'wildcard', message: 'there are no wildcards (CoreDNS removed them in 1.9.0)' };
  if (known !== undefined) {
    const slices = known.slices.map((slice) => slice.metadata?.name ?? '').join(', ');
    return {
      code: 'slices-without-service',
      message: `there is no Service ${name} in namespace ${namespace}, though EndpointSlices name it: ${slices}`,
    };
  }
  const elsewhere = [...index.services()].filter((other) => other.name === name).map((other) => other.namespace);
  const hint = elsewhere.length === 0 ? '' : `; there is one in ${elsewhere.sort().slice(0, 5).join(', ')}`;
  return { code: 'no-such-service', message: `there is no Service ${name} in namespace ${namespace}${hint}` };
}

function explainExternal(index: NameIndex, known: KnownService, labels: readonly string[]): NameReason {
  const target = known.service === undefined ? undefined : externalTarget(known.service, index.zoneWire);
  if (target?.kind === 'invalid') return { code: 'invalid-external-name', message: target.problem };
  const service = `${known.namespace}/${known.name}`;
  return {
    code: 'below-external-name',
    message: `Service ${service} is an ExternalName: nothing exists below it, not ${labels.slice(0, -3).join('.')}`,
  };
}

function explainEmpty(index: NameIndex, known: KnownService): NameReason {
  const service = `${known.namespace}/${known.name}`;
  const endpoints = endpointViews(index, known);
  if (known.service !== undefined && !isHeadless(known.service) && clusterIpsOf(known.service).length === 0) {
    return { code: 'no-cluster-ip', message: `Service ${service} has no cluster IP yet` };
  }
  if (endpoints.length === 0) return { code: 'no-endpoints', message: `headless Service ${service} has no endpoints` };
  return {
    code: 'no-ready-endpoints',
    message: `headless Service ${service} has ${endpoints.length} endpoint(s) and none is ready`,
  };
}

function explainEndpoint(index: NameIndex, known: KnownService, label: string): NameReason {
  const service = `${known.namespace}/${known.name}`;
  const endpoints = endpointViews(index, known);
  const same = endpoints.filter(({ view }) => view.label === label);
  if (same.length > 0) {
    const pods = same.map(({ view }) => view.target ?? view.address).join(', ');
    return { code: 'endpoint-not-ready', message: `endpoint ${label} of Service ${service} is not ready (${pods})` };
  }
  if (label.startsWith('_')) return explainPort(index, known, [label]);
  const other = endpoints.find(
    ({ view }) => dashedLabel(view.address) === label || view.target === `Pod/${label}` || view.target?.endsWith(`/${label}`),
  );
  if (other !== undefined) {
    const why =
      dashedLabel(other.view.address) === label
        ? 'its slice gives it a hostname'
        : `a pod's name is a DNS name only when spec.hostname is set and spec.subdomain is ${known.name} (a StatefulSet with serviceName: ${known.name} does that)`;
    return {
      code: 'endpoint-has-other-name',
      message: `${label} is known here as ${other.view.label}.${known.name}: ${why}`,
    };
  }
  return { code: 'no-such-endpoint', message: `Service ${service} has no endpoint called ${label}` };
}

function explainPort(index: NameIndex, known: KnownService, labels: readonly string[]): NameReason {
  const service = `${known.namespace}/${known.name}`;
  const [portLabel = '', protocolLabel = ''] = labels;
  if (labels.length > 5)
    return { code: 'too-many-labels', message: 'a name has at most a port and a protocol before the Service' };
  if (
    known.service !== undefined &&
    isHeadless(known.service) &&
    endpointViews(index, known).every(({ view }) => !view.isReady)
  ) {
    return explainEmpty(index, known);
  }
  if (!portLabel.startsWith('_') || (labels.length === 5 && !protocolLabel.startsWith('_'))) {
    return { code: 'no-such-port', message: `ports are asked for as _port._protocol.${known.name}, with underscores` };
  }
  const ports =
    known.service !== undefined && !isHeadless(known.service)
      ? objectsIn(known.service.spec?.ports)
      : known.slices.flatMap((slice) => objectsIn(slice.ports));
  const named = ports.filter((port) => (textOf(port.name) ?? '') !== '');
  const port = named.find(({ name }) => `_${(name ?? '').toLowerCase()}` === portLabel);
  if (port !== undefined) {
    const protocol = textOf(port.protocol) ?? 'TCP';
    return {
      code: 'wrong-protocol',
      message: `port ${port.name ?? ''} of Service ${service} is ${protocol}, so its label is _${protocol.toLowerCase()}`,
    };
  }
  if (named.length === 0 && ports.length > 0) {
    return { code: 'port-has-no-name', message: `the ports of Service ${service} have no names, so there is nothing to ask for` };
  }
  const names = [...new Set(named.map(({ name }) => name ?? ''))].join(', ');
  return {
    code: 'no-such-port',
    message: `Service ${service} has no port ${portLabel.slice(1)}${names === '' ? '' : ` (it has ${names})`}`,
  };
}
