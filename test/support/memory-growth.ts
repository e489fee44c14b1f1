/** Runs something and gives by how much the memory of this process grew at most meanwhile. */
export async function memoryGrowth(run: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setTimeout(function measure() {
    most = Math.max(most, process.memoryUsage().rss);
    timer.refresh();
  }, 20);
  await run();
  clearTimeout(timer);
  return most - before;
}
