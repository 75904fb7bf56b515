/** What an agent is made with. */
import type { EventSink } from '../client/index.ts';
import type { NetlinkSocket, Nftables } from '../linux/index.ts';
import type { IpFamily } from '../net/index.ts';
import type { AgentInformers } from './change-tracker.ts';
import type { FlowTable } from './flows/flow-cleaner.ts';
import type { Listen } from './health/health-check-servers.ts';
import type { SyncResult } from './kernel/kernel-table.ts';
import type { LinkAddresses } from './kernel/link-addresses.ts';
import type { PodDetector } from './rows/node-rows.ts';

export interface AgentOptions {
  readonly nodeName: string;
  readonly families: readonly IpFamily[];
  /** Started by whoever made them; `start` waits for their first lists. */
  readonly informers: AgentInformers;
  /** nftables of the node's namespace. */
  readonly nftables: Nftables;
  /** Connection tracking of the node's namespace; absent: stale UDP flows are left to time out. */
  readonly conntrack?: FlowTable;
  /** A second netfilter socket of the node's namespace, to see when somebody else changes our tables; absent: nobody looks. */
  readonly monitorSocket?: NetlinkSocket;
  /** Opens the health-check listeners in the node's namespace. */
  readonly listen: Listen;
  /** Ranges of cluster IPs besides those of ServiceCIDR objects. */
  readonly serviceCidrs?: readonly string[];
  /** Default: spec.podCIDRs of the Node. */
  readonly detector?: PodDetector;
  readonly masqueradeAll?: boolean;
  /** Whether forwarded packets that conntrack calls invalid are dropped where they belong to Services. Default true. */
  readonly dropsInvalid?: boolean;
  /** The addresses of the node's links, by which `nodePortAddresses` are found; stopped with the agent. Absent: `nodeAddresses`. */
  readonly linkAddresses?: LinkAddresses;
  /** Default: InternalIP addresses of the Node object. */
  readonly nodeAddresses?: readonly string[];
  /** The address that counts as the primary one of its family, whatever the order of the others. */
  readonly primaryAddress?: string;
  /** Prefixes of the node's addresses that answer on node ports. Default: the primary address of each family. */
  readonly nodePortAddresses?: readonly string[];
  /** Most client entries that affinity keeps in one family. Default 1,000,000: some 125 MB of kernel memory when full. */
  readonly affinitySize?: number;
  /** Where a Service is told what went wrong with it. */
  readonly events?: EventSink;
  /** Called after every sync of a family that changed something. */
  readonly onSync?: (family: IpFamily, result: SyncResult & { readonly durationMs: number }) => void;
}
