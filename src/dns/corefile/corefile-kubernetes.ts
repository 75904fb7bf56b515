/** The plugin `kubernetes` of a Corefile. Pure. */
import type { KubernetesConfig } from './corefile-config.ts';
import type { Directive } from './corefile-syntax.ts';
import type { Mutable } from './corefile-values.ts';
import {
  complain,
  isReverse,
  readChoice,
  readDuration,
  readNumber,
  readZone,
  readZones,
  refuseExtra,
} from './corefile-values.ts';

/** `kubernetes [ZONE...]`: without zones, those of the server block (`blockZones`); one of them is the cluster domain, the others are reverse zones. */
export function readKubernetes(directive: Directive, blockZones: readonly string[]): KubernetesConfig {
  const [name, ...args] = directive.words;
  const zones = args.length === 0 ? blockZones : args.map(readZone);
  const clusterDomain = zones.find((zone) => !isReverse(zone) && zone !== '.');
  if (clusterDomain === undefined) complain(name, 'kubernetes needs a zone that is no reverse zone, such as cluster.local');
  const second = zones.findIndex((zone) => !isReverse(zone) && zone !== clusterDomain);
  if (second >= 0) complain(args[second] ?? name, 'one cluster domain is supported, not several');
  const config: Mutable<KubernetesConfig> = {
    clusterDomain,
    reverseZones: zones.filter(isReverse),
    podMode: 'disabled',
    ttlSeconds: 5,
    endpointPodNames: false,
    ignoreEmptyServices: false,
    zonalNames: false,
    prefersHostnamePointers: false,
    fallthrough: [],
    startupTimeoutMs: 5_000,
  };
  for (const { words, block } of directive.block ?? []) {
    const [option, ...values] = words;
    const [value] = values;
    if (block !== undefined) complain(option, `option ${option.text} of kubernetes takes no block`);
    const most = mostValues.get(option.text);
    if (most === undefined) complain(option, `option ${option.text} of kubernetes is not supported`);
    refuseExtra(words, most);
    switch (option.text) {
      case 'pods':
        config.podMode = readChoice(value ?? option, ['disabled', 'insecure', 'verified'], 'pods');
        break;
      case 'ttl':
        config.ttlSeconds = readNumber(value ?? option, 0, 3600);
        break;
      case 'endpoint_pod_names':
        config.endpointPodNames = true;
        break;
      case 'zonal':
        config.zonalNames = true;
        break;
      case 'ptr':
        config.prefersHostnamePointers = readChoice(value ?? option, ['all', 'hostname'], 'ptr') === 'hostname';
        break;
      case 'ignore':
        readChoice(value ?? option, ['empty_service'], 'ignore');
        config.ignoreEmptyServices = true;
        break;
      case 'namespaces':
        if (value === undefined) complain(option, 'namespaces needs at least one namespace');
        config.namespaces = values.map(({ text }) => text);
        break;
      case 'namespace_labels':
        if (value === undefined) complain(option, 'namespace_labels needs a selector');
        config.namespaceSelector = values.map(({ text }) => text).join(' ');
        break;
      case 'labels':
        if (value === undefined) complain(option, 'labels needs a selector');
        config.labelSelector = values.map(({ text }) => text).join(' ');
        break;
      case 'kubeconfig':
        if (value === undefined) complain(option, 'kubeconfig needs a file');
        config.kubeconfig = { path: value.text, ...(values[1] === undefined ? {} : { context: values[1].text }) };
        break;
      case 'fallthrough':
        config.fallthrough = readZones(values, zones);
        break;
      case 'startup_timeout':
        config.startupTimeoutMs = readDuration(value ?? option);
        break;
    }
    if (config.namespaces !== undefined && config.namespaceSelector !== undefined)
      complain(option, 'namespaces and namespace_labels exclude each other');
  }
  return config;
}

/** What is supported, and how many values each takes. */
const mostValues: ReadonlyMap<string, number> = new Map(
  Object.entries({
    pods: 1,
    ttl: 1,
    endpoint_pod_names: 0,
    zonal: 0,
    ptr: 1,
    ignore: 1,
    namespaces: Infinity,
    namespace_labels: Infinity,
    labels: Infinity,
    kubeconfig: 2,
    fallthrough: Infinity,
    startup_timeout: 1,
  }),
);
