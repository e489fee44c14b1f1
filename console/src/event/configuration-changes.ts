import { useQuery } from '@tanstack/react-query';
import type { HostEvent } from '../../../src/api/contract/event.ts';
import { events } from '../api/queries.ts';
import { useMay } from '../shell/me.ts';

/** Recent configuration changes and who made them; newest first. */
export function useConfigurationChanges(): readonly HostEvent[] {
  const may = useMay();
  // what concerns the whole production has no host
  const { data } = useQuery({ ...events({ hosts: ',', limit: 100 }), enabled: may('event.view') });
  return (data?.items ?? []).filter(({ event }) => event === 'configuration-changed');
}
