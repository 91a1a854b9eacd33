# SPDX-License-Identifier: Apache-2.0
"""Networks of images, written with mintor.nn.

Takes nothing; gives a function for each network, and its class. README.md has the table.
"""
from vision.deeplab import DeepLabV3, deeplabv3_resnet50
from vision.lsgan import LSGAN, Discriminator, Generator
from vision.resnet import ResNet, resnet18, resnet34, resnet50
from vision.ssd import SSD300, ssd300_vgg16
from vision.vgg import VGG16, vgg16, vgg16_bn

__all__ = ["DeepLabV3", "Discriminator", "Generator", "LSGAN", "ResNet", "SSD300", "VGG16",
           "deeplabv3_resnet50", "resnet18", "resnet34", "resnet50", "ssd300_vgg16", "vgg16",
           "vgg16_bn"]
