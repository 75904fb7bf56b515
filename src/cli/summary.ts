/** What `up` prints once everything runs. */
import { endpointSlices, namespaces, nodes, pods, services } from '../api/index.ts';
import type { EndpointSlice, Pod, Service } from '../api/index.ts';
import type { SharedInformers } from '../client/index.ts';
import { diagnose } from '../explain/index.ts';
import type { World } from '../explain/index.ts';
import { serviceNameLabel } from '../slices/index.ts';
import { quote } from './program-name.ts';
import type { Publication } from './publish.ts';
import { formatTable } from './table.ts';

export interface SummaryOptions {
  /** How the user starts fairlead. */
  readonly program: string;
  readonly name: string;
  readonly kubeconfig: string;
  readonly url: string;
  readonly missing: readonly string[];
  readonly publications: readonly Publication[];
}

/** Nodes, Services, and three commands worth trying, as they can be pasted. */
export function summarize(informers: SharedInformers, options: SummaryOptions): string {
  const allServices = informers
    .of(services)
    .list()
    .filter((service) => service.metadata?.namespace !== 'kube-system' && service.metadata?.name !== 'kubernetes')
    .sort((a, b) => compare(a.metadata?.namespace, b.metadata?.namespace) || compare(a.metadata?.name, b.metadata?.name));
  const slices = informers.of(endpointSlices).list();
  const lines = ['', ...nodeTable(informers), ''];
  if (allServices.length > 0) lines.push(...serviceTable(allServices, slices), '');
  const idle = allServices.filter((service) => service.spec?.type !== 'ExternalName' && readyCount(service, slices) === 0);
  if (idle.length > 0) lines.push(...idle.map((service) => whyNothingServes(worldOf(informers), service)), '');
  if (options.missing.length > 0) lines.push(`not ready yet: ${options.missing.join(', ')}`, '');
  for (const { localPort, namespace, service, port } of options.publications)
    lines.push(`http://127.0.0.1:${localPort} leads to ${namespace}/${service}:${port}`);
  lines.push(`API ${options.url}   KUBECONFIG ${options.kubeconfig}`, '', 'Try, in another terminal:');
  lines.push(...suggestions(informers, allServices, options).map((command) => `  ${command}`));
  return lines.join('\n');
}

/** One sentence for a Service that nobody stands behind: the link that fails. */
function whyNothingServes(world: World, service: Service): string {
  const findings = diagnose(world, service, service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4');
  const name = `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`;
  return `nothing serves ${name}: ${findings.map(({ text }) => text).join('; ')}`;
}

/** The objects as this process knows them now. */
function worldOf(informers: SharedInformers): World {
  return {
    services: informers.of(services).list(),
    slices: informers.of(endpointSlices).list(),
    pods: informers.of(pods).list(),
    nodes: informers.of(nodes).list(),
    namespaces: informers
      .of(namespaces)
      .list()
      .map((namespace) => namespace.metadata?.name ?? ''),
    clusterDomain: 'cluster.local',
    serviceCidrs: [],
    assumptions: [],
    refused: [],
  };
}

function nodeTable(informers: SharedInformers): string[] {
  const counts = new Map<string, number>();
  for (const pod of informers.of(pods).list())
    counts.set(pod.spec?.nodeName ?? '', (counts.get(pod.spec?.nodeName ?? '') ?? 0) + 1);
  const rows = [...informers.of(nodes).list()]
    .sort((a, b) => compare(a.metadata?.name, b.metadata?.name))
    .map((node) => [
      node.metadata?.name ?? '',
      node.metadata?.labels?.['topology.kubernetes.io/zone'] ?? '<none>',
      (node.status?.addresses ?? []).filter((entry) => entry.type === 'InternalIP').map((entry) => entry.address ?? ''),
      String(counts.get(node.metadata?.name ?? '') ?? 0),
    ]);
  return formatTable(['NODE', 'ZONE', 'ADDRESS', 'PODS'], rows);
}

function serviceTable(all: readonly Service[], slices: readonly EndpointSlice[]): string[] {
  const rows = all.map((service) => [
    `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`,
    service.spec?.clusterIP === 'None' ? 'Headless' : (service.spec?.type ?? ''),
    addressesOf(service),
    portsOf(service),
    String(readyCount(service, slices)),
  ]);
  return formatTable(['SERVICE', 'TYPE', 'ADDRESS', 'PORTS', 'ENDPOINTS'], rows);
}

/** One a line: two IPv6 addresses side by side are half a terminal. */
function addressesOf(service: Service): readonly string[] {
  const { spec, status } = service;
  if (spec?.type === 'ExternalName') return [spec.externalName ?? ''];
  const external = (status?.loadBalancer?.ingress ?? []).map((ingress) => ingress.ip ?? ingress.hostname ?? '');
  const all = [...(spec?.clusterIPs ?? []), ...external].filter((address) => address !== 'None');
  return all.length === 0 ? ['-'] : all;
}

function portsOf(service: Service): readonly string[] {
  const ports = (service.spec?.ports ?? []).map(
    (port) => `${port.port}${port.nodePort === undefined ? '' : `:${port.nodePort}`}/${port.protocol ?? 'TCP'}`,
  );
  return ports.length === 0 ? ['-'] : ports;
}

function readyCount(service: Service, slices: readonly EndpointSlice[]): number {
  return slices
    .filter(
      (slice) =>
        slice.metadata?.namespace === service.metadata?.namespace &&
        slice.metadata?.labels?.[serviceNameLabel] === service.metadata?.name,
    )
    .flatMap((slice) => slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready !== false).length;
}

function suggestions(
  informers: SharedInformers,
  all: readonly Service[],
  { program, name, kubeconfig }: SummaryOptions,
): string[] {
  const suffix = name === 'default' ? '' : ` --name ${name}`;
  const commands = [`export KUBECONFIG=${quote(kubeconfig)}; kubectl get services --all-namespaces`];
  const withAddress = all.filter((service) => (service.spec?.clusterIP ?? 'None') !== 'None');
  const slices = informers.of(endpointSlices).list();
  const virtual = withAddress.find((service) => readyCount(service, slices) > 0) ?? withAddress[0];
  const client = virtual === undefined ? undefined : clientOf(informers, virtual);
  if (virtual !== undefined && client !== undefined) {
    const { namespace = '', name: pod = '' } = client.metadata ?? {};
    const service = virtual.metadata?.name ?? '';
    const port = virtual.spec?.ports?.[0]?.port ?? 80;
    commands.push(
      `${program} run${suffix} --from pod/${namespace}/${pod} -- curl -s http://${service}.${virtual.metadata?.namespace ?? ''}:${port}/`,
    );
    commands.push(
      `${program} explain${suffix} ${service}.${virtual.metadata?.namespace ?? ''}:${port} --from pod/${namespace}/${pod}`,
    );
  } else {
    commands.push(
      `kubectl create deployment web --image=echo --port=8080 --replicas=3 && kubectl expose deployment web --port=80 --target-port=8080`,
    );
    commands.push(`${program} run${suffix} --from outside`);
  }
  return commands;
}

/** A pod to ask from: one of the Service's namespace if there is one. */
function clientOf(informers: SharedInformers, service: Service): Pod | undefined {
  const running = informers
    .of(pods)
    .list()
    .filter((pod) => pod.status?.phase === 'Running');
  return running.find((pod) => pod.metadata?.namespace === service.metadata?.namespace) ?? running[0];
}

/** node-2 before node-10. Made once: making one loads tables of all languages. */
const collator = new Intl.Collator('en', { numeric: true });

function compare(a: string | undefined, b: string | undefined): number {
  return collator.compare(a ?? '', b ?? '');
}
