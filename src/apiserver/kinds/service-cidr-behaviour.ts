/** ServiceCIDRs are ready as soon as they are stored: the allocator reads them from the store. */
import { serviceCidrs, formatTime } from '../../api/index.ts';
import { servedOf } from '../registry/catalog.ts';
import type { Behaviour } from '../registry/context.ts';
import { assertCreatable } from '../registry/rules.ts';
import type { ApiObject } from '../store/index.ts';

/** The behaviour of ServiceCIDRs. */
export function createServiceCidrBehaviour(now: () => Date): Behaviour {
  return {
    beginCreate: (object) => {
      const condition = {
        type: 'Ready',
        status: 'True',
        lastTransitionTime: formatTime(now()),
        reason: '',
        message: 'Kubernetes Service CIDR is ready',
      };
      const serviceCidr: ApiObject = { ...object, status: { conditions: [condition] } };
      assertCreatable(servedOf(serviceCidrs), serviceCidr);
      return { object: serviceCidr, commit: () => undefined, rollback: () => undefined };
    },
  };
}
