import { Ban, CircleCheck, CircleX, Clock3, Pause, RotateCw } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Message } from '../../../src/api/contract/message.ts';
import { STATUS_NAMES } from './names.ts';

export type Status = Message['status'];

const LOOKS = {
  queued: { icon: Clock3, style: 'bg-info-soft text-info' },
  retrying: { icon: RotateCw, style: 'bg-warn-soft text-warn' },
  completed: { icon: CircleCheck, style: 'bg-good-soft text-good' },
  discarded: { icon: Ban, style: 'bg-idle-soft text-idle' },
  error: { icon: CircleX, style: 'bg-bad-soft text-bad' },
  suspended: { icon: Pause, style: 'bg-held-soft text-held' },
} as const satisfies Record<Status, unknown>;

/** A status by icon, word and colour: never by colour alone. */
export function StatusBadge({ status }: { readonly status: Status }): ReactElement {
  const { icon: Icon, style } = LOOKS[status];
  return (
    <span
      className={`inline-flex items-center gap-1 rounded align-middle px-1.5 text-2xs font-medium whitespace-nowrap ${style}`}
    >
      <Icon size={12} aria-hidden="true" />
      {STATUS_NAMES[status]}
    </span>
  );
}
