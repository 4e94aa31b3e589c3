/** The controller in its pod. */
import * as k8s from '@kubernetes/client-node';
import { Controller } from './controller';

const { NAMESPACE = 'default' } = process.env;

const config = new k8s.KubeConfig();
config.loadFromCluster();
const controller = new Controller(config, NAMESPACE);
process.once('SIGTERM', () => void controller.stop().then(() => process.exit(0)));

void controller.start().then(() => console.log(`watching the websites of ${NAMESPACE}`));
