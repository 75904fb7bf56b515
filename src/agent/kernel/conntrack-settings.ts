/** Connection tracking set up as kube-proxy does. Pure. Source: k8s cmd/kube-proxy/app/conntrack.go v1.36. */
import type { ConntrackSettings } from '../proxy-config.ts';

/** One file below /proc/sys/net/netfilter and what it should say. */
export interface ConntrackSysctl {
  readonly name: string;
  readonly value: number;
  /** Whether a larger value that is there already is as good. */
  readonly isMinimum: boolean;
}

const defaultMaxPerCore = 32_768;
const defaultMin = 131_072;
/** No more than this is asked for, whatever the number of CPUs: 1 Mi entries take some 300 MB of the kernel. */
const mostEntries = 1_048_576;
const defaultTcpEstablishedSeconds = 24 * 60 * 60;
const defaultTcpCloseWaitSeconds = 60 * 60;

/** What to write. A number that the settings give as 0 is left to the system. */
export function conntrackSysctls(settings: ConntrackSettings, cpus: number): ConntrackSysctl[] {
  const max = Math.min(mostEntries, Math.max((settings.maxPerCore ?? defaultMaxPerCore) * cpus, settings.min ?? defaultMin));
  const wanted: readonly (readonly [name: string, value: number | undefined, isMinimum: boolean])[] = [
    ['nf_conntrack_max', settings.maxPerCore === 0 ? settings.min : max, true],
    ['nf_conntrack_tcp_timeout_established', settings.tcpEstablishedTimeoutSeconds ?? defaultTcpEstablishedSeconds, false],
    ['nf_conntrack_tcp_timeout_close_wait', settings.tcpCloseWaitTimeoutSeconds ?? defaultTcpCloseWaitSeconds, false],
    ['nf_conntrack_udp_timeout', settings.udpTimeoutSeconds, false],
    ['nf_conntrack_udp_timeout_stream', settings.udpStreamTimeoutSeconds, false],
    ['nf_conntrack_tcp_be_liberal', settings.tcpBeLiberal === true ? 1 : undefined, false],
  ];
  return wanted.flatMap(([name, value, isMinimum]) => (value === undefined || value === 0 ? [] : [{ name, value, isMinimum }]));
}
