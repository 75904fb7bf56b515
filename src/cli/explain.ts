/** `fairlead explain`: the question, the world it is about, the answer. */
import { serviceCidrs } from '../api/index.ts';
import { explain, parsePlace, printExplanation, usualPlace, worldFromCluster, worldFromManifests } from '../explain/index.ts';
import type { World } from '../explain/index.ts';
import { readManifests } from '../manifest/index.ts';
import { silentLogger } from '../observe/index.ts';
import type { ExplainFlags } from './main.ts';

/** Prints where a request would go. With files it needs neither a lab nor Linux. */
export async function explainCommand(flags: ExplainFlags & { readonly target: string }): Promise<void> {
  const world = flags.filename.length > 0 ? worldFromManifests(readManifests(flags.filename)) : await liveWorld(flags);
  const from = flags.from === undefined ? usualPlace(world, flags.target, flags.namespace) : parsePlace(flags.from);
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
