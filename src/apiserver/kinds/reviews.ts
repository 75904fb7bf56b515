/** Reviews: questions that are POSTed and answered at once. Everybody who is let in may do everything, and this says so. */
import type { LocalSubjectAccessReview, Resource, SelfSubjectReview, TokenReview, UserInfo } from '../../api/index.ts';
import { apiVersionOf, badRequest, methodNotAllowed } from '../../api/index.ts';
import { formOf, readObjectBody } from '../http/object-requests.ts';
import type { Answer, Exchange, User } from '../http/exchange.ts';
import { writeOptionsOf } from '../http/request-options.ts';
import type { Services } from '../http/services.ts';
import { formAnswer } from '../http/write-form.ts';
import { tokenIssuer } from '../security/tokens.ts';
import type { ApiObject } from '../store/index.ts';
import { serviceAccountUser } from './service-account-user.ts';

/** Answers the POST of a review with the review and its status. */
export async function serveReview(
  services: Services,
  exchange: Exchange,
  resource: Resource,
  namespace: string,
): Promise<Answer> {
  const form = formOf(exchange);
  const review = await readObjectBody(exchange, resource, writeOptionsOf(exchange));
  const answered: ApiObject = {
    ...review,
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { ...review.metadata, ...(namespace === '' ? {} : { namespace }) },
    status: statusOf(services, exchange.user, resource, review, namespace),
  };
  return formAnswer(201, JSON.stringify(answered), form);
}

function statusOf(services: Services, user: User, resource: Resource, review: ApiObject, namespace: string): unknown {
  switch (resource.kind) {
    case 'SelfSubjectReview':
      return { userInfo: userInfoOf(user) } satisfies SelfSubjectReview['status'];
    case 'SelfSubjectAccessReview':
    case 'SubjectAccessReview':
      return allowed;
    case 'LocalSubjectAccessReview': {
      const asked = (review as unknown as LocalSubjectAccessReview).spec.resourceAttributes?.namespace;
      if (asked !== undefined && asked !== namespace)
        throw badRequest('spec.resourceAttributes.namespace must match metadata.namespace');
      return allowed;
    }
    case 'SelfSubjectRulesReview':
      return {
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        incomplete: false,
      };
    case 'TokenReview':
      return reviewToken(services, review as unknown as TokenReview);
    default:
      throw methodNotAllowed(resource, 'create');
  }
}

const allowed = { allowed: true, reason: 'every authenticated user may do everything here' } as const;

function reviewToken({ tokens, context }: Services, { spec }: TokenReview): TokenReview['status'] {
  const account = tokens.verify(spec.token, context.now());
  const wanted = spec.audiences ?? [tokenIssuer];
  const audiences = account?.audiences.filter((audience) => wanted.includes(audience)) ?? [];
  if (account === undefined || audiences.length === 0) return { authenticated: false, error: 'invalid bearer token' };
  return { authenticated: true, user: userInfoOf(serviceAccountUser(account)), audiences };
}

function userInfoOf({ name, uid, groups }: User): UserInfo {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups };
}
