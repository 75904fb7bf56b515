/** What a container may use, as programs read it from `resourceFieldRef`. Pure. Source: k8s pkg/api/v1/resource/helpers.go, pkg/kubelet/kubelet_resources.go. */
import type { Container, ResourceFieldSelector } from '../api/index.ts';
import { parseQuantity } from '../api/index.ts';

/** Amounts by resource name, as quantities. */
export type Amounts = Readonly<Record<string, string | number>>;

/**
 * The whole number that `limits.cpu`, `requests.memory` and the like come to, in units of the divisor, rounded up. What has no limit
 * may use what the node has; what has no request asks for nothing. Undefined for a resource that there is not.
 */
export function readResourceField(
  { resource, divisor }: ResourceFieldSelector,
  container: Pick<Container, 'resources'>,
  allocatable: Amounts,
): string | undefined {
  const [, bound, name = ''] = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(resource) ?? [];
  if (bound === undefined) return undefined;
  const { limits = {}, requests = {} } = container.resources ?? {};
  const amount = bound === 'limits' ? orAllocatable(nanosOf(limits[name]), name, allocatable) : nanosOf(requests[name]);
  const unit = nanosOf(divisor);
  return String(divideUp(roundUp(amount, name), unit === 0n ? billion : roundUp(unit, name)));
}

const billion = 1_000_000_000n;
const million = 1_000_000n;

function orAllocatable(limit: bigint, name: string, allocatable: Amounts): bigint {
  return limit === 0n && !name.startsWith('hugepages-') ? nanosOf(allocatable[name]) : limit;
}

/** Processors are counted in thousandths, everything else in whole bytes. */
function roundUp(nanos: bigint, name: string): bigint {
  const smallest = name === 'cpu' ? million : billion;
  return divideUp(nanos, smallest) * smallest;
}

function nanosOf(quantity: string | number | undefined): bigint {
  return quantity === undefined ? 0n : (parseQuantity(quantity)?.nanos ?? 0n);
}

function divideUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}
