/** All controllers at once, on shared informers. */
import { EventRecorder, SharedInformers, systemClock } from '../client/index.ts';
import type { Clock, KubeClient } from '../client/index.ts';
import { messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import type { Controller, ControllerContext } from './controller.ts';
import { startDaemonSetController } from './daemon-set/daemon-set-controller.ts';
import { startDeploymentController } from './deployment/deployment-controller.ts';
import { startEndpointSliceController } from './endpoints/endpoint-slice-controller.ts';
import { startEndpointsController } from './endpoints/endpoints-controller.ts';
import { startMirroringController } from './endpoints/mirroring-controller.ts';
import { startGarbageCollector } from './garbage/garbage-collector.ts';
import { startPodCollector } from './garbage/pod-collector.ts';
import type { PodCollectorOptions } from './garbage/pod-collector.ts';
import { startLoadBalancerController } from './load-balancer/load-balancer-controller.ts';
import type { LoadBalancerOptions } from './load-balancer/load-balancer-controller.ts';
import { startNamespaceDefaultsController } from './namespace/namespace-defaults-controller.ts';
import type { NamespaceDefaultsOptions } from './namespace/namespace-defaults-controller.ts';
import { startReplicaSetController, startReplicationController } from './replica-set/replica-set-controller.ts';
import { startScheduler } from './scheduler/scheduler.ts';
import { startStatefulSetController } from './stateful-set/stateful-set-controller.ts';

export interface ControllersOptions extends NamespaceDefaultsOptions, PodCollectorOptions {
  /** Absent: Services of type LoadBalancer wait for somebody else. */
  readonly loadBalancer?: LoadBalancerOptions | undefined;
}

export interface ControllersParts {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Share informers with the rest of the process; they are started here all the same. */
  readonly informers?: SharedInformers;
}

/** Starts every controller and returns at once; `ready` resolves when their first lists are there. */
export function startControllers(
  client: KubeClient,
  options: ControllersOptions,
  parts: ControllersParts,
): Controller & { readonly ready: Promise<void> } {
  const logger = parts.logger.child({ room: 'controllers' });
  const clock = parts.clock ?? systemClock;
  const informers = parts.informers ?? new SharedInformers(client, { logger });
  const context: ControllerContext = { client, informers, clock, logger };
  const stopping = new AbortController();
  const endpointParts = (component: string): Parameters<typeof startEndpointSliceController>[0] => ({
    client,
    informers,
    events: new EventRecorder(client, component, { logger, clock }),
  });
  const controllers: Controller[] = [
    startScheduler(context),
    startReplicaSetController(context),
    startReplicationController(context),
    startDeploymentController(context),
    startStatefulSetController(context),
    startDaemonSetController(context),
    startEndpointSliceController(endpointParts('endpoint-slice-controller'), { logger }),
    startEndpointsController(endpointParts('endpoint-controller'), { logger }),
    startMirroringController(endpointParts('endpoint-slice-mirroring-controller'), { logger }),
    startNamespaceDefaultsController(context, options),
    startPodCollector(context, options),
  ];
  if (options.loadBalancer !== undefined) controllers.push(startLoadBalancerController(context, options.loadBalancer));
  let isReady = false;
  const ready = informers.start(stopping.signal).then(() => {
    isReady = true;
    // Last, because it watches every kind there is and nobody waits for it.
    if (!stopping.signal.aborted) controllers.push(startGarbageCollector(context));
  });
  ready.catch((error: unknown) => logger.debug({ cause: messageOf(error) }, 'controllers stopped before they were ready'));
  return {
    ready,
    stop: async () => {
      // Work in hand ends soonest while the informers still bring its writes back; without a first list it never ends.
      if (!isReady) stopping.abort();
      await Promise.all(controllers.map((controller) => controller.stop()));
      stopping.abort();
    },
  };
}
