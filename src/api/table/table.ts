/** Tables as the API answers them to `kubectl get`: columns of a resource, cells of an object. */
import {
  clusterRoleBindings,
  configMaps,
  controllerRevisions,
  cronJobs,
  daemonSets,
  deployments,
  endpoints,
  endpointSlices,
  events,
  eventsV1Events,
  horizontalPodAutoscalers,
  ingressClasses,
  ingresses,
  ipAddresses,
  jobs,
  leases,
  namespaces,
  networkPolicies,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  podTemplates,
  priorityClasses,
  replicaSets,
  replicationControllers,
  resourceQuotas,
  roleBindings,
  secrets,
  serviceAccounts,
  serviceCidrs,
  services,
  statefulSets,
  storageClasses,
} from '../kinds/index.ts';
import type { ObjectMeta, Pod } from '../kinds/index.ts';
import type { Resource, TableColumn } from '../resource.ts';
import type { Cell, RowMaker } from './cells.ts';
import {
  configMapCells,
  eventCells,
  eventsV1EventCells,
  leaseCells,
  namespaceCells,
  nodeCells,
  priorityClassCells,
  resourceQuotaCells,
  roleBindingCells,
  secretCells,
  serviceAccountCells,
} from './cluster-cells.ts';
import {
  endpointsCells,
  endpointSliceCells,
  ingressCells,
  ingressClassCells,
  ipAddressCells,
  networkPolicyCells,
  serviceCells,
  serviceCidrCells,
} from './network-cells.ts';
import { podCells } from './pod-cells.ts';
import { persistentVolumeCells, persistentVolumeClaimCells, storageClassCells } from './storage-cells.ts';
import {
  controllerRevisionCells,
  cronJobCells,
  daemonSetCells,
  deploymentCells,
  horizontalPodAutoscalerCells,
  jobCells,
  podDisruptionBudgetCells,
  podTemplateCells,
  replicaSetCells,
  replicationControllerCells,
  statefulSetCells,
} from './workload-cells.ts';

/** A condition of a table row, as `rows[].conditions` carries it. */
export interface TableRowCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** Columns of a resource's table: its own, or name and creation time. Wide ones (priority 1) are included. */
export function tableColumns(resource: Resource): readonly TableColumn[] {
  return resource.columns ?? defaultColumns;
}

/** Cells of an object, one for each column of `tableColumns`. Ages are counted to `now`. */
export function tableRow(resource: Resource, object: unknown, now: Date): readonly Cell[] {
  const maker = makers.get(resource);
  if (maker !== undefined) return maker(object as never, now);
  const { metadata } = object as { readonly metadata?: ObjectMeta };
  return [metadata?.name ?? '', metadata?.creationTimestamp ?? ''];
}

/** Conditions of a row: a pod that is over is marked as completed. */
export function tableRowConditions(resource: Resource, object: unknown): readonly TableRowCondition[] {
  if (resource !== pods) return [];
  const phase = (object as Pod).status?.phase;
  if (phase !== 'Succeeded' && phase !== 'Failed') return [];
  const message = phase === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.';
  return [{ type: 'Completed', status: 'True', reason: phase, message }];
}

const defaultColumns: readonly TableColumn[] = [
  { name: 'Name', type: 'string', format: 'name', priority: 0 },
  { name: 'Created At', type: 'date', priority: 0 },
];

const makers = new Map<Resource, RowMaker<never>>();

function rows<T>(resource: Resource<T>, maker: RowMaker<T>): void {
  makers.set(resource, maker);
}

rows(clusterRoleBindings, roleBindingCells);
rows(configMaps, configMapCells);
rows(controllerRevisions, controllerRevisionCells);
rows(cronJobs, cronJobCells);
rows(daemonSets, daemonSetCells);
rows(deployments, deploymentCells);
rows(endpoints, endpointsCells);
rows(endpointSlices, endpointSliceCells);
rows(events, eventCells);
rows(eventsV1Events, eventsV1EventCells);
rows(horizontalPodAutoscalers, horizontalPodAutoscalerCells);
rows(ingressClasses, ingressClassCells);
rows(ingresses, ingressCells);
rows(ipAddresses, ipAddressCells);
rows(jobs, jobCells);
rows(leases, leaseCells);
rows(namespaces, namespaceCells);
rows(networkPolicies, networkPolicyCells);
rows(nodes, nodeCells);
rows(persistentVolumeClaims, persistentVolumeClaimCells);
rows(persistentVolumes, persistentVolumeCells);
rows(podDisruptionBudgets, podDisruptionBudgetCells);
rows(pods, podCells);
rows(podTemplates, podTemplateCells);
rows(priorityClasses, priorityClassCells);
rows(replicaSets, replicaSetCells);
rows(replicationControllers, replicationControllerCells);
rows(resourceQuotas, resourceQuotaCells);
rows(roleBindings, roleBindingCells);
rows(secrets, secretCells);
rows(serviceAccounts, serviceAccountCells);
rows(serviceCidrs, serviceCidrCells);
rows(services, serviceCells);
rows(statefulSets, statefulSetCells);
rows(storageClasses, storageClassCells);
