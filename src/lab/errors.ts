/** What can go wrong in the lab. */
import { CodedError } from '../observe/index.ts';

export type LabFacts =
  | { readonly code: 'no-such-place'; readonly place: string }
  | { readonly code: 'no-such-node'; readonly node: string }
  | { readonly code: 'exists'; readonly name: string }
  | { readonly code: 'full'; readonly limit: number }
  | { readonly code: 'bad-cidr'; readonly node: string; readonly text: string }
  | { readonly code: 'overlap'; readonly node: string; readonly owner: string }
  | { readonly code: 'no-such-link'; readonly a: string; readonly b: string };

/** Thrown by the lab; the message is a sentence for people. */
export class LabError extends CodedError<LabFacts> {}
