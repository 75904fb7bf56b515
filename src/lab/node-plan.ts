/** Which index and which pod prefixes a new node gets. Pure. */
import type { Cidr, IpFamily } from '../net/index.ts';
import { cidrContains, formatCidr, mustParseCidr, parseCidr } from '../net/index.ts';
import { addressPlan, controlPlaneAddress, defaultPodCidr } from './address-plan.ts';
import { LabError } from './errors.ts';

/** Node addresses end in their index, so the last byte bounds it. */
export const maxNodes = 254;

/** What a node has of the plan. */
export interface NodePlan {
  readonly index: number;
  readonly podCidrs: readonly string[];
}

/**
 * Plans a node beside those that are there. A node that brings the prefixes that an index stands for gets that index, so that it
 * keeps its address over a restart. Throws `LabError`: `bad-cidr`, `overlap` with another node's pods or with the underlay, `full`.
 */
export function planNode(
  node: { readonly name: string; readonly podCidrs?: readonly string[] | undefined },
  others: readonly (NodePlan & { readonly name: string })[],
  families: readonly IpFamily[],
): NodePlan {
  const taken = others.flatMap((other) => other.podCidrs.map((text) => ({ cidr: mustParseCidr(text), owner: other.name })));
  const wanted = node.podCidrs?.map((text) => parsePodCidr(node.name, text));
  for (const cidr of wanted ?? []) {
    const owner =
      taken.find((other) => overlaps(other.cidr, cidr))?.owner ??
      (reservedRanges(cidr.address.family).some((range) => overlaps(range, cidr)) ? 'the lab itself' : undefined);
    if (owner !== undefined) {
      const text = `node ${node.name} cannot have ${formatCidr(cidr)} for its pods: ${owner} has addresses of it`;
      throw new LabError(text, { code: 'overlap', node: node.name, owner });
    }
  }
  const used = new Set(others.map(({ index }) => index));
  const cidrsOf = (index: number): string[] => families.map((family) => defaultPodCidr(family, index));
  const free = Array.from({ length: maxNodes }, (_each, index) => index + 1).filter((index) => !used.has(index));
  const index =
    wanted === undefined
      ? free.find((each) => !cidrsOf(each).some((text) => taken.some(({ cidr }) => overlaps(cidr, mustParseCidr(text)))))
      : (free.find((each) => cidrsOf(each).some((text) => node.podCidrs?.includes(text))) ?? free[0]);
  if (index === undefined) throw new LabError(`the lab has room for ${maxNodes} nodes`, { code: 'full', limit: maxNodes });
  return { index, podCidrs: node.podCidrs ?? cidrsOf(index) };
}

/** What pods may not have: the underlay and the load balancers' addresses. */
function reservedRanges(family: IpFamily): Cidr[] {
  const { underlayPrefix, loadBalancers } = addressPlan[family];
  return [{ address: controlPlaneAddress(family), prefixLength: underlayPrefix }, loadBalancers];
}

function parsePodCidr(node: string, text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined)
    throw new LabError(`${text}, for the pods of node ${node}, is no prefix`, { code: 'bad-cidr', node, text });
  return cidr;
}

function overlaps(a: Cidr, b: Cidr): boolean {
  return a.address.family === b.address.family && (cidrContains(a, b.address) || cidrContains(b, a.address));
}
