import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { apiUrl } from './client.ts';

/** Topic of the stream → the answers that it makes old. */
const TOPICS: Readonly<Record<string, readonly string[]>> = {
  hosts: ['status', 'hosts', 'queues', 'production'],
  alerts: ['alerts', 'status'],
  jobs: ['jobs'],
  events: ['events'],
};

/**
 * One stream for the whole window, since a browser opens few connections to one server. What it tells of
 * is asked for again; without it the pages ask every few seconds, so nothing depends on it.
 */
export function useLiveStream(): void {
  const client = useQueryClient();
  useEffect(() => {
    const source = new EventSource(apiUrl('stream', { topics: Object.keys(TOPICS).join(',') }));
    const forget = Object.entries(TOPICS).map(([topic, keys]) => {
      const listener = (): void => {
        for (const key of keys) void client.invalidateQueries({ queryKey: [key] });
      };
      source.addEventListener(topic, listener);
      return () => source.removeEventListener(topic, listener);
    });
    return () => {
      for (const one of forget) one();
      source.close();
    };
  }, [client]);
}
