/**
 * The chains that lead to an endpoint. Those that are there for each number of endpoints only draw an index and go on to chains that look
 * it up: a rule that looks into a map makes the kernel walk the whole map when it is added (`nf_tables_bind_set`), and numbers of
 * endpoints come and go all the time.
 */
import { nft } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { ListKind, PickChain, StickyPart } from './chain-names.ts';
import { endpointChainName, parsePickChain, parseStickyPart, stickyParts } from './chain-names.ts';
import { affinityMap, outsideOffset } from './layout.ts';
import type { Rule } from './rule-parts.ts';
import { clearPriority, expressionsOf, first } from './rule-parts.ts';

/** The rules of a chain that is made on demand. Throws `TypeError` for any other name. */
export function rulesOnDemand(family: IpFamily, name: string): Rule[] {
  const pick = parsePickChain(name);
  if (pick !== undefined) return drawRules(pick);
  const part = parseStickyPart(name);
  if (part === undefined) throw new TypeError(`not the name of a chain that is made on demand: ${name}`);
  return part.step === 'renew' ? renewRules(family, part) : pinRules(family, part);
}

/**
 * Of the constant chain behind all lists of a kind: the endpoint at the index that was drawn; should its row have gone meanwhile, the one
 * at index 0; then drop: a packet that fell out of the chain would be accepted untranslated, and so would all that follow it.
 */
export function endpointRules(family: IpFamily, kind: ListKind): Rule[] {
  const e = expressionsOf(family);
  const frontend = e.frontend(first, kind.isNodePort);
  const index = first + e.width + 2;
  const translate: Rule = [nft.lookup('endpoints', first, { to: first }), nft.dnat(e.nftFamily, first, first + e.width)];
  return [
    [...frontend, nft.meta('priority', index), ...translate],
    [nft.countIn('fallback-endpoint'), ...frontend, nft.numgen('random', 1, index, offsetOf(kind)), ...translate],
    missed(),
  ];
}

function drawRules({ count, timeoutSeconds, ...kind }: PickChain): Rule[] {
  const goto = (chain: string): Rule => [
    nft.numgen('random', count, first, offsetOf(kind)),
    nft.setMeta('priority', first),
    nft.verdict({ kind: 'goto', chain }),
  ];
  if (timeoutSeconds === undefined) return [goto(endpointChainName(kind))];
  const { renew, pin } = stickyParts(kind, timeoutSeconds);
  return [[nft.verdict({ kind: 'jump', chain: renew })], goto(pin)];
}

/** Use the client's pin if its endpoint is alive; else forget it. Recorded before DNAT, so every kind of client is. */
function renewRules(family: IpFamily, part: StickyPart): Rule[] {
  const { frontend, client, afterFrontend, afterClient, record, usePinned } = stickyRules(family, part);
  return [
    clearPriority(),
    [...client, nft.lookup(affinityMap, first, { to: first }), nft.setMeta('priority', first)],
    [...frontend, nft.meta('priority', afterFrontend), nft.lookup('pinned', first), ...record, ...usePinned],
    // `update` renews the timer of an existing key and does not replace its data: without this a dead pin would never die.
    [...client, nft.meta('priority', afterClient), nft.dynset('delete', affinityMap, first, { dataRegister: afterClient })],
  ];
}

/** Index to id, and the client is pinned to that. An index without a slot stays in the register: no id is that small, so it leads nowhere. */
function pinRules(family: IpFamily, part: StickyPart): Rule[] {
  const { frontend, client, afterFrontend, record, usePinned } = stickyRules(family, part);
  const toId: Rule = [nft.lookup('slots', first, { to: first }), nft.setMeta('priority', first)];
  const firstSlot: Rule = [...frontend, nft.numgen('random', 1, afterFrontend, offsetOf(part)), ...toId];
  return [
    [...frontend, nft.meta('priority', afterFrontend), ...toId],
    [
      ...frontend,
      nft.meta('priority', afterFrontend),
      nft.lookup('pinned', first, { isInverted: true }),
      nft.countIn('fallback-endpoint'),
      ...firstSlot,
    ],
    record,
    // Full: served all the same, but not pinned.
    [...client, nft.lookup(affinityMap, first, { isInverted: true }), nft.countIn('unpinned-affinity-full')],
    usePinned,
    [nft.countIn('fallback-endpoint'), ...firstSlot],
    usePinned,
    missed(),
  ];
}

/** What both steps are made of. */
function stickyRules(family: IpFamily, { isNodePort, timeoutSeconds }: StickyPart) {
  const e = expressionsOf(family);
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
    nft.dynset('update', affinityMap, first, { dataRegister: afterClient, timeoutMs: timeoutSeconds * 1000 }),
  ];
  return { frontend, client, afterFrontend, afterClient, usePinned, record };
}

function offsetOf({ isOutside }: ListKind): number {
  return isOutside ? outsideOffset : 0;
}

function missed(): Rule {
  return [nft.countIn('missed-endpoint'), nft.verdict({ kind: 'drop' })];
}
