/** The chains that pick an endpoint, made on demand: one for each number of endpoints, and with affinity for each timeout. */
import { nft } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { PickChain } from './layout.ts';
import { affinityMap, outsideOffset } from './layout.ts';
import type { Rule } from './rule-parts.ts';
import { clearPriority, expressionsOf, first } from './rule-parts.ts';

/** The rules of a chain that is made on demand. */
export function pickChainRules(family: IpFamily, chain: PickChain): Rule[] {
  return chain.timeoutSeconds === undefined ? pickRules(family, chain) : stickyRules(family, chain, chain.timeoutSeconds);
}

/**
 * A random endpoint; should its row have gone between the verdict and now, the one at index 0; then drop: a packet that fell out of
 * the chain would be accepted untranslated, and so would all that follow it.
 */
function pickRules(family: IpFamily, { isNodePort, isOutside, count }: PickChain): Rule[] {
  const e = expressionsOf(family);
  const offset = isOutside ? outsideOffset : 0;
  const index = first + e.width + 2;
  const translate = (modulus: number): Rule => [
    ...e.frontend(first, isNodePort),
    nft.numgen('random', modulus, index, offset),
    nft.lookup('endpoints', first, { to: first }),
    nft.dnat(e.nftFamily, first, first + e.width),
  ];
  return [translate(count), [nft.countIn('fallback-endpoint'), ...translate(1)], missed()];
}

/** Use the client's pin if its endpoint is alive; else forget it, pick, pin. Recorded before DNAT, so every kind of client is. */
function stickyRules(family: IpFamily, { isNodePort, isOutside, count }: PickChain, timeoutSeconds: number): Rule[] {
  const e = expressionsOf(family);
  const offset = isOutside ? outsideOffset : 0;
  const timeoutMs = timeoutSeconds * 1000;
  const frontend = e.frontend(first, isNodePort);
  const client = e.clientAndFrontend(first, isNodePort);
  const afterFrontend = first + e.width + 2;
  const afterClient = afterFrontend + e.width;
  const usePinned: Rule = [
    ...frontend,
    nft.meta('priority', afterFrontend),
    nft.lookup('pinned', first, { to: first }),
    nft.dnat(e.nftFamily, first, first + e.width),
  ];
  const record: Rule = [
    ...client,
    nft.meta('priority', afterClient),
    nft.dynset('update', affinityMap, first, { dataRegister: afterClient, timeoutMs }),
  ];
  const pick = (modulus: number): Rule => [
    ...frontend,
    nft.numgen('random', modulus, afterFrontend, offset),
    nft.lookup('slots', first, { to: first }),
    nft.setMeta('priority', first),
  ];
  return [
    clearPriority(),
    [...client, nft.lookup(affinityMap, first, { to: first }), nft.setMeta('priority', first)],
    [...frontend, nft.meta('priority', afterFrontend), nft.lookup('pinned', first), ...record, ...usePinned],
    // `update` renews the timer of an existing key and does not replace its data: without this a dead pin would never die.
    [...client, nft.meta('priority', afterClient), nft.dynset('delete', affinityMap, first, { dataRegister: afterClient })],
    pick(count),
    [
      ...frontend,
      nft.meta('priority', afterFrontend),
      nft.lookup('pinned', first, { isInverted: true }),
      nft.countIn('fallback-endpoint'),
      ...pick(1),
    ],
    record,
    // Full: served all the same, but not pinned.
    [...client, nft.lookup(affinityMap, first, { isInverted: true }), nft.countIn('unpinned-affinity-full')],
    usePinned,
    [nft.countIn('fallback-endpoint'), ...pick(1)],
    usePinned,
    missed(),
  ];
}
function missed(): Rule {
  return [nft.countIn('missed-endpoint'), nft.verdict({ kind: 'drop' })];
}
