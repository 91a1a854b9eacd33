# SPDX-License-Identifier: Apache-2.0
"""The classifier, for Mintor and for PyTorch: one text, for the names are the same.

Takes the namespace of layers, `mintor.nn` or `torch.nn`; gives a module. Keeps true: equal names in
`state_dict`, so that what one trained the other reads.
"""


def make_net(nn, width=16):
    """Two convolutions and two dense layers; u8 images [n, 28, 28] to scores [n, 10]."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(
                nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(width, 2 * width, 3, padding=1, bias=False), nn.BatchNorm2d(2 * width),
                nn.ReLU(), nn.MaxPool2d(2))
            self.hidden = nn.Linear(2 * width * 7 * 7, 8 * width)
            self.dropout = nn.Dropout(0.3)
            self.last = nn.Linear(8 * width, 10)

        def forward(self, images):
            x = images.float().unsqueeze(1) / 255.0
            x = self.features(x).flatten(1)
            return self.last(self.dropout(self.hidden(x).relu()))

    return Net()
