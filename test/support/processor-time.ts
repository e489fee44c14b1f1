/** Milliseconds of processor time that this process has used: a bound of it asks nothing of what else the machine does. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
