/** `fairlead explain`: the question, the world it is about, the answer. */
import { serviceCidrs } from '../api/index.ts';
import { explain, parsePlace, parseTarget, printExplanation, worldFromCluster, worldFromManifests } from '../explain/index.ts';
import type { World } from '../explain/index.ts';
import { readManifests } from '../manifest/index.ts';
import { silentLogger } from '../observe/index.ts';
import type { ExplainFlags } from './main.ts';

/** Prints where a request would go. With files it needs neither a lab nor Linux. */
export async function explainCommand(flags: ExplainFlags & { readonly target: string }): Promise<void> {
  const world = flags.filename.length > 0 ? worldFromManifests(readManifests(flags.filename)) : await liveWorld(flags);
  const from = parsePlace(flags.from ?? usualPlace(world, flags.target, flags.namespace));
  const answer = explain(world, { target: flags.target, from, namespace: flags.namespace });
  console.log(flags.output === 'json' ? JSON.stringify(answer, undefined, 2) : printExplanation(answer));
}

async function liveWorld(flags: ExplainFlags): Promise<World> {
  // loaded here: an answer about files needs neither a client nor what finds labs
  const [{ findLab }, { createClient, loadKubeconfig }] = await Promise.all([
    import('./state-directory.ts'),
    import('../client/index.ts'),
  ]);
  const path = flags.kubeconfig ?? findLab(flags.name).ready.kubeconfig;
  const client = createClient(loadKubeconfig(path), { logger: silentLogger });
  const ranges = await client.list(serviceCidrs);
  return worldFromCluster(client, { serviceCidrs: ranges.items.flatMap((range) => range.spec?.cidrs ?? []) });
}

/** Where a request of this kind usually comes from: outside for a node's port, else a pod of the namespace, else a node. */
function usualPlace(world: World, target: string, namespace: string): string {
  if (parseTarget(target).kind === 'node') return 'outside';
  const pod = world.pods.find(
    (candidate) => (candidate.metadata?.namespace ?? 'default') === namespace && candidate.spec?.nodeName !== undefined,
  );
  if (pod !== undefined) return `pod/${namespace}/${pod.metadata?.name ?? ''}`;
  const [node] = world.nodes;
  return node === undefined ? 'outside' : `node/${node.metadata?.name ?? ''}`;
}
