#!/usr/bin/env node
import { refuseOldNode } from '../support/node-version.js';

refuseOldNode();
void import('./program.js');
