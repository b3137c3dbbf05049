/** The name under which the dashboard's server hands out uPlot, beside the page's own modules. */
export { default } from 'uplot'
