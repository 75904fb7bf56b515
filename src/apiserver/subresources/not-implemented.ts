/** 501: Kubernetes has it, this server does not. */
import { statusError } from '../../api/index.ts';

/** 501: the path is known and nothing serves it. */
export function notImplemented(text: string): Error {
  return statusError(501, 'Unknown', text);
}
