/** 501: Kubernetes has it, this server does not. */
import { statusError } from '../../api/index.ts';

export function notImplemented(text: string): Error {
  return statusError(501, 'Unknown', text);
}
