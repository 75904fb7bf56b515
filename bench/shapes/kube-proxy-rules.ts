/**
 * The same Services in the shape of kube-proxy's nftables mode: a chain per Service that picks with an anonymous map, found through
 * one verdict map, as text for `nft -f`. Source: k8s pkg/proxy/nftables v1.36.
 */
import { spawnSync } from 'node:child_process';
import type { ClusterShape } from './objects.ts';
import { clusterIpOf, endpointAddressOf, podPort, servicePort } from './objects.ts';

/** The table without Services. */
export const kubeProxyBase = `
table ip kube-proxy {
  set cluster-ips { type ipv4_addr; }
  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  chain mark-for-masquerade { meta mark set meta mark or 0x4000; }
  chain masquerading {
    meta mark and 0x4000 == 0 return
    meta mark set meta mark xor 0x4000
    masquerade fully-random
  }
  chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }
  chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
  chain nat-output { type nat hook output priority -100; jump services; }
  chain nat-postrouting { type nat hook postrouting priority srcnat; jump masquerading; }
}
`;

/** One transaction's worth of Services. */
export function kubeProxyServices(shape: ClusterShape, from: number, to: number, version = 0): string {
  const lines: string[] = [];
  for (let index = from; index < to; index++) {
    const chain = chainOf(index);
    const address = clusterIpOf(index);
    const endpoints = Array.from(
      { length: shape.endpointsPerService },
      (_, endpoint) => `${endpoint} : ${endpointAddressOf(shape, index, endpoint, version)} . ${podPort}`,
    );
    lines.push(
      `add chain ip kube-proxy ${chain}`,
      `add rule ip kube-proxy ${chain} ip daddr ${address} tcp dport ${servicePort} ip saddr != 10.128.0.0/24 jump mark-for-masquerade`,
      `add rule ip kube-proxy ${chain} meta l4proto tcp dnat ip to numgen random mod ${endpoints.length} map { ${endpoints.join(', ')} }`,
      `add element ip kube-proxy cluster-ips { ${address} }`,
      `add element ip kube-proxy service-ips { ${address} . tcp . ${servicePort} : goto ${chain} }`,
    );
  }
  return lines.join('\n');
}

/** Loads them with `nft -f` in transactions of so many Services; answers the milliseconds of nft, its start included. */
export function loadKubeProxyRules(shape: ClusterShape, servicesPerTransaction: number): number {
  let totalMs = nftMs(kubeProxyBase);
  for (let from = 0; from < shape.serviceCount; from += servicesPerTransaction) {
    totalMs += nftMs(kubeProxyServices(shape, from, Math.min(shape.serviceCount, from + servicesPerTransaction)));
  }
  return totalMs;
}

/** Moves one endpoint of a Service as kube-proxy does: its chain flushed and written anew. Answers the milliseconds of `nft -f`. */
export function changeKubeProxyService(shape: ClusterShape, index: number): number {
  const [, ...rules] = kubeProxyServices(shape, index, index + 1, 1).split('\n');
  return nftMs([`flush chain ip kube-proxy ${chainOf(index)}`, ...rules.slice(0, 2)].join('\n'));
}

/** Whether the nft program is here, and its version. */
export function nftVersion(): string | undefined {
  const { status, stdout } = spawnSync('nft', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function chainOf(index: number): string {
  return `service-${index}-namespace-${index % 100}/service-${index}/tcp/http`;
}

function nftMs(text: string): number {
  const start = performance.now();
  const { status, stderr } = spawnSync('nft', ['-f', '-'], { input: text, encoding: 'utf8' });
  if (status !== 0) throw new Error(`nft -f: ${stderr.slice(0, 500)}`);
  return performance.now() - start;
}
