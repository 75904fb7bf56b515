/** Jobs on creation: the selector by which everybody finds a Job's pods (k8s pkg/registry/batch/job/strategy.go, generateSelector). */
import type { Job } from '../../api/index.ts';
import { jobs } from '../../api/index.ts';
import { servedOf } from '../registry/catalog.ts';
import type { Behaviour } from '../registry/context.ts';
import { assertCreatable } from '../registry/rules.ts';
import type { ApiObject } from '../store/index.ts';

/** The behaviour of Jobs. */
export function createJobBehaviour(): Behaviour {
  return {
    beginCreate: (object) => {
      const job = (object as Job).spec?.manualSelector === true ? object : (withSelector(object as Job) as ApiObject);
      assertCreatable(servedOf(jobs), job);
      return { object: job, commit: () => undefined, rollback: () => undefined };
    },
  };
}

/** Without one a Job would select every pod of its namespace. What the user wrote under these names stays. */
function withSelector(job: Job): Job {
  const { name = '', uid = '' } = job.metadata ?? {};
  const { spec } = job;
  if (spec === undefined) return job;
  const { template, selector } = spec;
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
    ...template?.metadata?.labels,
  };
  const matchLabels = { 'batch.kubernetes.io/controller-uid': uid, ...selector?.matchLabels };
  return {
    ...job,
    spec: {
      ...spec,
      selector: { ...selector, matchLabels },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}
