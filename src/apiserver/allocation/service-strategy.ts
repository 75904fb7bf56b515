/**
 * What the generic store asks of the Service rules: one call per write, each answering with the object to store and the
 * two ways the write can end. Source: the order of k8s pkg/registry/core/service/storage (v1.36).
 */
import type { FieldError, Service } from '../../api/index.ts';

export interface WriteMode {
  /** Answer as a real write would, but reserve nothing: allocated values are placeholders. */
  readonly dryRun?: boolean;
}

/**
 * A Service that is ready to be stored. Whatever it holds is reserved until one of the two ends is called, exactly once:
 * `commit` after the store took it, `rollback` when anything failed. Both are synchronous and throw nothing.
 */
export interface ServiceTransaction {
  readonly object: Service;
  /** Keeps what was reserved; gives back what the Service no longer uses. */
  commit(): void;
  /** Gives back what was reserved by this write; what the Service held before stays its own. */
  rollback(): void;
}

/** Something that a repair pass found; `reason` is the event reason that upstream uses. */
export interface RepairFinding {
  readonly reason:
    | 'ClusterIPNotValid'
    | 'ClusterIPNotAllocated'
    | 'ClusterIPAlreadyAllocated'
    | 'ClusterIPOutOfRange'
    | 'PortNotAllocated'
    | 'PortAlreadyAllocated'
    | 'PortOutOfRange';
  /** `namespace/name` of the Service the event is about. */
  readonly service: string;
  readonly message: string;
}

/** The whole life of Services in the store. Every method that can refuse throws `StatusError`. */
export interface ServiceStrategy {
  /**
   * default -> normalise cluster IPs -> resolve families -> allocate cluster IPs, node ports, health-check port -> wipe
   * status -> validate. The name (also a generated one) and the namespace must be set. Throws 422 for mistakes and
   * conflicts, 500 for full ranges and health-check port conflicts; then nothing stays reserved.
   */
  beginCreate(service: Service, mode?: WriteMode): ServiceTransaction;
  /** As `beginCreate`, for PUT and PATCH: `next` is the whole new object, `previous` the stored one. Keeps the old status. */
  beginUpdate(next: Service, previous: Service, mode?: WriteMode): ServiceTransaction;
  /** For PUT and PATCH on `/status`: the stored spec and metadata with the new status (and new labels and annotations). */
  prepareStatusUpdate(next: Service, previous: Service): Service;
  /** Call when the object is really gone (deleted without finalizers, or its last finalizer went). */
  released(service: Service): void;
  /** What every read of a stored Service goes through. Returns the same object when there is nothing to add. */
  onRead(service: Service): Service;
  /** Texts for `Warning` headers of an accepted create or update. */
  warnings(service: Service, previous?: Service): string[];
  /** The faults of a Service, without allocating: for callers that only want to know. Defaults must be set. */
  validate(service: Service, previous?: Service): FieldError[];
  /**
   * Makes the allocators agree with the live Services. The first call, at start, rebuilds the ports from nothing;
   * later ones free a reservation without a Service after it was seen so three times in a row.
   */
  repair(services: Iterable<Service>): RepairFinding[];
}
