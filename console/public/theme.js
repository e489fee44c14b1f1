// Runs before the first paint, so that a chosen theme never flashes. A file of its own: the CSP allows nothing inline.
try {
  const theme = localStorage.getItem('waybill.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // storage may be forbidden: the system's theme holds
}
