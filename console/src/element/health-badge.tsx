import { CircleCheck, CircleDashed, CircleSlash, PlugZap, RotateCw, Square } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Host } from '../../../src/api/contract/host.ts';
import { HEALTH_NAMES } from './names.ts';

type Health = Host['health'];

const LOOKS = {
  running: { icon: CircleCheck, style: 'text-good' },
  retrying: { icon: RotateCw, style: 'text-warn' },
  disconnected: { icon: PlugZap, style: 'text-bad' },
  stopped: { icon: Square, style: 'text-bad' },
  off: { icon: CircleSlash, style: 'text-idle' },
  inline: { icon: CircleDashed, style: 'text-ink-3' },
} as const satisfies Record<Health, unknown>;

/** The health of a host, by icon, word and colour. */
export function HealthBadge({ health }: { readonly health: Health }): ReactElement {
  const { icon: Icon, style } = LOOKS[health];
  return (
    <span
      className={`inline-flex items-center gap-1.5 align-[-2px] text-xs font-medium whitespace-nowrap ${style}`}
    >
      <Icon size={14} aria-hidden="true" />
      {HEALTH_NAMES[health]}
    </span>
  );
}
