/** The policies that a packet meets at the nodes it may enter, as sentences. Pure. */
import type { Frontend, PortDecision } from '../routing/index.ts';
import type { Step } from './explanation.ts';
import type { ServedFrontend } from './frontends.ts';
import type { Entry } from './source-address.ts';

/** The steps of every entry; what all nodes have in common is said once. */
export function policySteps(arrivals: readonly { readonly entry: Entry; readonly served?: ServedFrontend }[]): Step[] {
  const served = arrivals.flatMap(({ entry, served: found }) => (found === undefined ? [] : [{ entry, ...found }]));
  const byText = new Map<string, { step: Step; nodes: string[] }>();
  for (const { entry, frontend, port } of served) {
    for (const step of stepsOn(frontend, port, entry, served.length > 1)) {
      const known = byText.get(step.text);
      if (known === undefined) byText.set(step.text, { step, nodes: [entry.nodeName] });
      else known.nodes.push(entry.nodeName);
    }
  }
  return [...byText.values()].map(({ step, nodes }) =>
    nodes.length === served.length ? step : { ...step, text: `on ${nodes.join(', ')}: ${step.text}` },
  );
}

function stepsOn(frontend: Frontend, port: PortDecision, entry: Entry, isOneOfMany: boolean): Step[] {
  const steps: Step[] = [policyStep(frontend, entry, isOneOfMany)];
  const isLocalList = frontend.policy === 'Local' && !(entry.isInside && frontend.kind !== 'clusterIP');
  const topology = isLocalList ? undefined : topologyText(port, entry.nodeName);
  if (topology !== undefined) steps.push({ code: 'topology', text: topology });
  if (frontend.sourceRanges !== undefined) {
    const text = `loadBalancerSourceRanges: clients in ${frontend.sourceRanges.join(', ')} are admitted; others are dropped`;
    steps.push({ code: 'source-ranges', text });
  }
  if (frontend.affinity !== undefined) {
    const { timeoutSeconds } = frontend.affinity;
    const text = `sessionAffinity ClientIP: a client keeps its endpoint for ${timeoutSeconds} s after each new connection, node by node and frontend by frontend`;
    steps.push({ code: 'affinity', text });
  }
  return steps;
}

function policyStep(frontend: Frontend, entry: Entry, isOneOfMany: boolean): Step {
  const field = frontend.kind === 'clusterIP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  const where =
    frontend.policy === 'Cluster'
      ? 'endpoints on any node'
      : entry.isInside && frontend.kind !== 'clusterIP'
        ? 'a client on the node itself or in its pods may reach endpoints on any node'
        : `only endpoints on ${isOneOfMany ? 'the node that it entered' : entry.nodeName}`;
  return { code: 'policy', text: `${field} ${frontend.policy}: ${where}` };
}

function topologyText({ topology }: PortDecision, nodeName: string): string | undefined {
  switch (topology.mode) {
    case 'hint-node':
      return `every ready endpoint is hinted and some for node ${topology.node}: only those`;
    case 'hint-zone':
      return `every ready endpoint is hinted and some for zone ${topology.zone}: only those`;
    case 'topology-key': {
      const which = topology.key === '*' ? 'any endpoint' : `endpoints whose node has ${topology.value} as well`;
      return `topologyKeys: ${topology.key} is the first key that matches: ${which}`;
    }
    case 'no-topology-key':
      return `topologyKeys ${topology.keys.join(', ')}: none matches any endpoint`;
    case 'none':
      switch (topology.why) {
        case 'not-asked':
        case 'no-ready-endpoint':
          return undefined;
        case 'endpoint-without-hint':
          return 'hints play no part: some ready endpoint has no hint';
        case 'node-without-zone':
          return `hints play no part: ${nodeName} has no zone label`;
        case 'no-hint-for-here':
          return `hints play no part: no endpoint is hinted for ${nodeName} or its zone`;
      }
  }
}
