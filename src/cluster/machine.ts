/** One node of the cluster put together: its place in the lab, its kubelet and its proxy. */
import { Agent } from '../agent/index.ts';
import { configMaps, endpointSlices, nodes, pods, secrets, serviceCidrs, services } from '../api/index.ts';
import type { EventSink, KubeClient, SharedInformers } from '../client/index.ts';
import { Kubelet } from '../kubelet/index.ts';
import type { ClusterDns, SandboxHost } from '../kubelet/index.ts';
import type { Lab, LabNode } from '../lab/index.ts';
import { Conntrack, Nftables } from '../linux/index.ts';
import type { Logger } from '../observe/index.ts';

/** What all machines of a cluster share. */
export interface MachineParts {
  readonly lab: Lab;
  readonly client: KubeClient;
  readonly informers: SharedInformers;
  readonly events: EventSink;
  readonly dns: ClusterDns;
  readonly sandbox: SandboxHost;
  readonly logger: Logger;
}

/** A running node. */
export interface Machine {
  readonly name: string;
  readonly kubelet: Kubelet;
  readonly agent: Agent;
  stop(): Promise<void>;
}

/** Adds the node to the lab and starts its kubelet and proxy. The informers must be started by the caller. */
export async function startMachine(name: string, podCidrs: readonly string[], parts: MachineParts): Promise<Machine> {
  const labNode = await parts.lab.addNode({ name, ...(podCidrs.length === 0 ? {} : { podCidrs }) });
  try {
    return await furnish(labNode, parts);
  } catch (error) {
    // a half-made node would be in the way of the next attempt
    await parts.lab.removeNode(name);
    throw error;
  }
}

async function furnish(labNode: LabNode, parts: MachineParts): Promise<Machine> {
  const { lab, client, informers, logger } = parts;
  const { name } = labNode;
  const { place } = labNode.site;
  const nftables = new Nftables(await place.openNetlink('netfilter'));
  const conntrack = new Conntrack(await place.openNetlink('netfilter'));
  const agent = new Agent(
    {
      nodeName: name,
      families: lab.ipFamilies,
      informers: {
        services: informers.of(services),
        endpointSlices: informers.of(endpointSlices),
        nodes: informers.of(nodes),
        serviceCidrs: informers.of(serviceCidrs),
      },
      nftables,
      conntrack,
      monitorSocket: await place.openNetlink('netfilter'),
      listen: (address, port) => place.openListener({ address, port }),
      events: parts.events,
      nodeAddresses: labNode.nodeAddresses,
    },
    { logger },
  );
  const kubelet = new Kubelet(
    {
      nodeName: name,
      podCidrs: labNode.podCidrs,
      runtime: labNode,
      client,
      informers: {
        pods: informers.of(pods),
        nodes: informers.of(nodes),
        services: informers.of(services),
        configMaps: informers.of(configMaps),
        secrets: informers.of(secrets),
      },
      dns: parts.dns,
      sandbox: parts.sandbox,
    },
    { logger },
  );
  const strip = async (): Promise<void> => {
    await kubelet.stop();
    await agent.stop();
    // an open socket keeps the namespace that it was made in
    nftables.close();
    conntrack.close();
  };
  kubelet.start();
  try {
    await agent.start();
  } catch (error) {
    await strip();
    throw error;
  }
  return {
    name,
    kubelet,
    agent,
    stop: async () => {
      await strip();
      await lab.removeNode(name);
    },
  };
}
